// Elements. Their content is always text, never HTML.

export const byId = (id) => document.getElementById(id);

export function make(tag, parent, text = "", className = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  if (className) element.className = className;
  parent.append(element);
  return element;
}

// A group of buttons, one of which is selected. Tab enters the group, arrow keys move in
// it. `columns()` is the number of buttons that the up and down keys move.
export function radioGroup(group, columns, choose) {
  const buttons = () => [...group.querySelectorAll("button")];
  group.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) choose(buttons().indexOf(button));
  });
  group.addEventListener("keydown", (event) => {
    const here = buttons().indexOf(document.activeElement);
    const steps = {
      ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns(), ArrowDown: columns(),
    };
    if (here < 0 || !(event.key in steps)) return;
    event.preventDefault();
    const there = here + steps[event.key];
    if (!buttons()[there]) return;
    choose(there);
    buttons()[there].focus();
  });
}

export function addRadio(parent, text = "") {
  const button = make("button", parent, text);
  button.type = "button";
  button.setAttribute("role", "radio");
  return button;
}

export function markRadio(group, chosen) {
  group.querySelectorAll("button").forEach((button, index) => {
    button.setAttribute("aria-checked", String(index === chosen));
    button.tabIndex = index === chosen ? 0 : -1;
  });
}
