// The settings of each task as the contract's own JSON Schema has them: names, limits, defaults.

import img2img from "../../schema/Img2ImgRequest.json";
import inpaint from "../../schema/InpaintRequest.json";
import text2img from "../../schema/Text2ImgRequest.json";
import text2video from "../../schema/Text2VideoRequest.json";

export type Task = "text2img" | "img2img" | "inpaint" | "text2video";
export type Value = string | number | boolean;

/** One setting that a person can make. */
export interface Field {
  readonly name: string;
  readonly label: string;
  readonly description: string;
  readonly kind: "number" | "choice" | "switch" | "text";
  readonly default: Value | undefined;
  readonly whole: boolean;
  readonly minimum: number | undefined;
  readonly maximum: number | undefined;
  readonly step: number | "any";
  readonly maxLength: number | undefined;
  readonly choices: readonly string[];
}

interface Property {
  readonly type?: string;
  readonly $ref?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly multipleOf?: number;
  readonly maxLength?: number;
}

interface Schema {
  readonly properties: Record<string, Property>;
  readonly $defs: Record<string, { readonly type?: string; readonly enum?: readonly string[] }>;
}

const SCHEMAS: Record<Task, Schema> = { text2img, img2img, inpaint, text2video };

/** Asked for elsewhere in the form, or nothing that a browser sets. */
const ELSEWHERE = new Set([
  ...["task_type", "prompt", "image_url", "mask_url", "video_width", "video_height"],
  ...["user_id", "file_uid", "use_cloud_storage"],
]);

/** Where the name of a field is not what a person would call it. */
const LABELS: Record<string, string> = {
  negative_prompt: "Not to be seen",
  num_inference_steps: "Steps",
  speed_tier: "Speed",
  guidance_scale: "Guidance",
  video_guidance_scale: "Guidance",
  refiner_inference_steps: "Refiner steps",
  high_noise_frac: "Base's share",
  num_images: "Pictures",
  num_frames: "Frames",
  fps: "Frames a second",
  output_format: "File type",
  prompt_weighting: "Weights as in (red)1.3",
};

/** What of `task` can be set, in the schema's order. Lists (of LoRAs) have no control here. */
export function fieldsOf(task: Task): Field[] {
  const { properties, $defs } = SCHEMAS[task];
  return Object.entries(properties).flatMap(([name, it]) => {
    const kind = kindOf(it);
    if (ELSEWHERE.has(name) || kind === undefined) return [];
    return [
      {
        name,
        kind,
        label: LABELS[name] ?? sentenceCase(name),
        description: it.description?.replaceAll("`", "") ?? "",
        default: it.default as Value | undefined,
        whole: it.type === "integer",
        minimum: it.minimum ?? it.exclusiveMinimum,
        maximum: it.maximum ?? it.exclusiveMaximum,
        step: it.multipleOf ?? (it.type === "integer" ? 1 : "any"),
        maxLength: it.maxLength,
        choices: (it.$ref && $defs[it.$ref.replace("#/$defs/", "")]?.enum) || [],
      },
    ];
  });
}

/** The most characters of a prompt. */
export function longestPrompt(task: Task): number | undefined {
  return SCHEMAS[task].properties["prompt"]?.maxLength;
}

function kindOf({ type, $ref }: Property): Field["kind"] | undefined {
  if ($ref) return "choice";
  if (type === "integer" || type === "number") return "number";
  if (type === "boolean") return "switch";
  return type === "string" ? "text" : undefined;
}

function sentenceCase(name: string): string {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
