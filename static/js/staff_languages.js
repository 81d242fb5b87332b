// Tabs for the translated fields of an admin form: one language at a time, or all of them side by side.
// Without this script every language is shown, one field under the other.
const LANGUAGES = { fr: "Français", en: "English", de: "Deutsch" };
const KEPT = "staff-language";

const rowsOf = (form, code) =>
  [...form.querySelectorAll(`[class*="mt-field-"][class$="-${code}"], [class*="mt-field-"][class*="-${code} "]`)]
    .map((field) => field.closest(".form-row, .fieldBox"))
    .filter(Boolean);

function show(form, buttons, chosen) {
  for (const code of Object.keys(LANGUAGES)) {
    for (const row of rowsOf(form, code)) {
      // A field with an error is never hidden: it has to be mended.
      row.hidden = chosen !== "all" && chosen !== code && !row.querySelector(".errorlist");
      row.lang = code;
    }
  }
  for (const button of buttons) {
    button.setAttribute("aria-pressed", String(button.value === chosen));
  }
  sessionStorage.setItem(KEPT, chosen);
}

function start(form) {
  if (!form.querySelector('[class*="mt-field-"]')) return;
  const bar = document.createElement("div");
  bar.className = "staff-languages";
  bar.setAttribute("role", "group");
  bar.setAttribute("aria-label", document.documentElement.lang === "fr" ? "Langue des textes"
    : document.documentElement.lang === "de" ? "Sprache der Texte" : "Language of the texts");
  const buttons = [["all", "FR + EN + DE"], ...Object.entries(LANGUAGES)].map(([value, label]) => {
    const button = document.createElement("button");
    button.type = "button";
    button.value = value;
    button.textContent = label;
    if (value !== "all") button.lang = value;
    button.addEventListener("click", () => show(form, buttons, value));
    bar.append(button);
    return button;
  });
  form.prepend(bar);
  show(form, buttons, sessionStorage.getItem(KEPT) ?? "all");
  // Rows that “add another” makes come later than this script.
  document.addEventListener("formset:added", () => show(form, buttons, sessionStorage.getItem(KEPT) ?? "all"));
}

document.addEventListener("DOMContentLoaded", () => {
  const form = document.querySelector("#content-main form[method=post]");
  if (form) start(form);
});
