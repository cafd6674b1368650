// The controls of a task's settings. Only what differs from the default is sent.

import { make } from "./dom.js";
import filmSizes from "./film-sizes.json";
import { fieldsOf } from "./schema.js";
import type { Field, Task, Value } from "./schema.js";

type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;
export type Values = Record<string, Value>;

export class Settings {
  readonly element = make("div", { class: "settings" });
  private controls = new Map<string, { field: Field; control: Control }>();
  private size: HTMLSelectElement | undefined;

  /** Show the settings of `task`; those that both have keep their values. */
  show(task: Task, values: Values = this.read()): void {
    this.controls = new Map(
      fieldsOf(task).map((field) => [field.name, { field, control: controlOf(field) }]),
    );
    this.size = task === "text2video" ? sizeControl() : undefined;
    this.element.replaceChildren(
      ...(this.size ? [labelled("Size", this.size)] : []),
      ...Array.from(this.controls.values(), ({ field, control }) =>
        labelled(field.label, control, field),
      ),
    );
    this.write(values);
  }

  /** What differs from the defaults. */
  read(): Values {
    const values: Values = {};
    for (const [name, { field, control }] of this.controls) {
      const value = valueOf(field, control);
      if (value !== undefined && value !== (field.default ?? "")) values[name] = value;
    }
    const [width, height] = filmSizes[this.size?.selectedIndex ?? 0] ?? [];
    // The first is the contract's default.
    if (this.size?.selectedIndex && width && height) {
      values["video_width"] = width;
      values["video_height"] = height;
    }
    return values;
  }

  private write(values: Values): void {
    for (const [name, { field, control }] of this.controls) {
      const value = values[name] ?? field.default;
      if (control instanceof HTMLInputElement && control.type === "checkbox") {
        control.checked = value === true;
      } else control.value = value === undefined ? "" : String(value);
    }
    const size = filmSizes.findIndex(
      ([width, height]) => width === values["video_width"] && height === values["video_height"],
    );
    if (this.size) this.size.selectedIndex = Math.max(0, size);
  }
}

function controlOf(field: Field): Control {
  const id = `setting-${field.name}`;
  const common = { id, name: field.name, "aria-describedby": `${id}-hint` };
  if (field.kind === "choice") {
    return make("select", common, ...field.choices.map((it) => make("option", {}, it)));
  }
  if (field.kind === "switch") return make("input", { ...common, type: "checkbox" });
  if (field.kind === "text") {
    return make("textarea", { ...common, rows: 2, maxlength: field.maxLength });
  }
  return make("input", {
    ...common,
    type: "number",
    inputmode: field.whole ? "numeric" : "decimal",
    min: field.minimum,
    max: field.maximum,
    step: field.step,
    placeholder: field.default === undefined ? "chosen for you" : undefined,
  });
}

function sizeControl(): HTMLSelectElement {
  const sizes = filmSizes.map(([width, height]) => make("option", {}, `${width} × ${height}`));
  return make("select", { id: "setting-size" }, ...sizes);
}

function labelled(text: string, control: Control, field?: Field): HTMLElement {
  const hint = field && make("small", { id: `${control.id}-hint` }, field.description);
  const wide = control instanceof HTMLTextAreaElement;
  return make("div", { class: wide ? "setting wide" : "setting" }, make("label", { for: control.id }, text), control, hint);
}

/** Undefined: not given. */
function valueOf({ kind }: Field, control: Control): Value | undefined {
  if (kind === "switch") return (control as HTMLInputElement).checked;
  if (control.value === "") return undefined;
  return kind === "number" ? Number(control.value) : control.value;
}
