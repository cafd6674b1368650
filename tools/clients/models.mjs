// Typed models by quicktype: a JSON object on stdin, another on stdout.
//
// in:  { languages: { NAME: { options, schema } } }
// out: { NAME: the source text }
// One schema a language, so that what two requests share is one type.
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";

const require = createRequire(process.env.EMBERFRAME_NODE_PACKAGE);
const { FetchingJSONSchemaStore, InputData, JSONSchemaInput, quicktype } = require("quicktype-core");

const { languages } = JSON.parse(await text(process.stdin));

async function modelsIn(lang, { options, schema }) {
  const input = new JSONSchemaInput(new FetchingJSONSchemaStore());
  await input.addSource({ name: "emberframe", schema: JSON.stringify(schema), uris: ["#/$defs/"] });
  const inputData = new InputData();
  inputData.addInput(input);
  const { lines } = await quicktype({ inputData, lang, rendererOptions: options, ...SETTINGS });
  return lines.join("\n");
}

const SETTINGS = {
  // The schema says which types there are: none is to be made of two that look alike.
  combineClasses: false,
  leadingComments: [],
};

const made = {};
for (const [lang, wanted] of Object.entries(languages)) made[lang] = await modelsIn(lang, wanted);
process.stdout.write(JSON.stringify(made));
