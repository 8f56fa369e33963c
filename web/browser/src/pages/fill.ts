// Puts values into the places of a page's parts. The markup is the server's.

/**
 * What goes to a place, by its data-is: a text becomes the element's text; true and a function keep the element, an
 * object fills the places in it, a list repeats it. Without a value the element goes.
 */
export type Value = string | boolean | null | undefined | Data | readonly (string | Data | ((e: HTMLElement) => void))[] | ((e: HTMLElement) => void);
export interface Data {
  readonly [name: string]: Value;
}

export function fill(node: ParentNode, data: Data): void {
  for (const child of [...node.children]) {
    const name = child.getAttribute("data-is");
    if (name === null) fill(child, data);
    else put(child as HTMLElement, data[name], data);
  }
}

function put(e: HTMLElement, value: Value, around: Data): void {
  e.removeAttribute("data-is");
  if (Array.isArray(value)) {
    for (const item of value) {
      const copy = e.cloneNode(true) as HTMLElement;
      e.before(copy);
      put(copy, item, around);
    }
    e.remove();
  } else if (typeof value === "string" && value !== "") {
    e.textContent = value;
  } else if (typeof value === "function") {
    value(e);
  } else if (value === true) {
    fill(e, around);
  } else if (value && typeof value === "object") {
    fill(e, value as Data);
  } else {
    e.remove();
  }
}

export interface Problem {
  field: string; // id of an input, or ""
  text: string;
  way?: { text: string; go: () => void }; // out of it, as a button
}

/** The summary of problems, as the layout has it. */
export const summary = (problems: readonly Problem[]): Value =>
  problems.length > 0 && {
    list: problems.map(({ field, text, way }) =>
      field === ""
        ? !way
          ? text
          : (e: HTMLElement) => {
              const button = document.createElement("button");
              button.type = "button";
              button.className = "sec";
              button.textContent = way.text;
              button.onclick = way.go;
              e.replaceChildren(`${text} `, button);
            }
        : {
            link: (a: HTMLElement) => {
              a.textContent = text;
              a.setAttribute("href", `#${field}`);
            },
          },
    ),
  };

/** Says at a field what is wrong with it, where the server's templates do. */
export function mark({ field, text }: Problem): void {
  const input = document.getElementById(field);
  if (!input) return;
  const group = input.closest("fieldset");
  const message = document.createElement("p");
  message.className = "msg";
  message.id = `${field}-e`;
  message.textContent = text;
  const described = input.matches("[type=radio]") && group ? group : input;
  const hint = input.matches("p");
  if (described === group) group.querySelector("legend")?.after(message);
  else if (hint) input.after(message);
  else input.before(message);
  const details = input.closest("details");
  if (details) details.open = true;
  if (hint) return;
  described.closest(".f")?.classList.add("bad");
  described.setAttribute("aria-describedby", [described.getAttribute("aria-describedby"), message.id].filter(Boolean).join(" "));
  if (described === input) input.setAttribute("aria-invalid", "true");
}

/** Takes back what mark and the server have said. */
export function unmark(scope: ParentNode): void {
  for (const message of scope.querySelectorAll("p.msg")) {
    for (const e of scope.querySelectorAll("[aria-describedby]")) {
      const left = (e.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => id !== message.id);
      if (left.length > 0 && left[0] !== "") e.setAttribute("aria-describedby", left.join(" "));
      else e.removeAttribute("aria-describedby");
    }
    message.remove();
  }
  for (const e of scope.querySelectorAll(".bad")) e.classList.remove("bad");
  for (const e of scope.querySelectorAll("[aria-invalid]")) e.removeAttribute("aria-invalid");
}
