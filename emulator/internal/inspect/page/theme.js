// The colours are those of the system until the user chooses others.
const themes = ["", "light", "dark"];
const names = { "": "as the system", light: "light", dark: "dark" };

// theme applies the colours that were chosen, and lets a button change them.
export function theme(button) {
  let chosen = localStorage.getItem("theme") ?? "";
  const apply = () => {
    if (chosen) document.documentElement.dataset.theme = chosen;
    else delete document.documentElement.dataset.theme;
    button.title = button.ariaLabel = `Colours: ${names[chosen] ?? chosen}`;
  };
  button.addEventListener("click", () => {
    chosen = themes[(themes.indexOf(chosen) + 1) % themes.length];
    localStorage.setItem("theme", chosen);
    apply();
  });
  apply();
}
