/* Suggestions under the search box: a combobox with a list, by the WAI-ARIA Authoring Practices. Without this script
   the box is a box. Nothing is fetched before the second letter, and nothing but text is put on the page. */

const PAUSE = 150; // milliseconds without a key before we ask

function element(name, attributes = {}, text = "") {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

class SearchBox {
  constructor(holder) {
    this.words = holder.dataset;
    this.input = holder.querySelector("input");
    this.list = element("ul", { id: `${this.input.id}-list`, role: "listbox", class: "suggest-list", "aria-label": this.words.list });
    this.list.hidden = true;
    this.status = element("div", { role: "status", class: "spoken" });
    holder.append(this.list, this.status);
    const aria = { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": this.list.id };
    for (const [key, value] of Object.entries(aria)) this.input.setAttribute(key, value);
    this.found = [];
    this.chosen = -1;
    this.taken = null;
    this.asked = 0;
    this.input.addEventListener("input", () => this.wait());
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("blur", () => this.close());
    this.input.form.addEventListener("formdata", (event) => this.send(event.formData));
    // Before blur, which would take the list away under the finger.
    this.list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => this.take(this.options.indexOf(event.target.closest("li"))));
  }

  get options() {
    return [...this.list.children];
  }

  wait() {
    clearTimeout(this.timer);
    this.choose(-1); // Enter now sends the new words, not what was marked for the old ones
    this.timer = setTimeout(() => this.ask(), PAUSE);
  }

  async ask() {
    const typed = this.input.value.trim();
    const turn = ++this.asked;
    if (typed.length < 2) return this.close();
    const query = new URLSearchParams({ lang: document.documentElement.lang, q: typed });
    try {
      const answer = await fetch(`${this.words.suggest}?${query}`, { credentials: "omit" });
      if (!answer.ok) throw new Error(answer.status);
      const { results } = await answer.json();
      if (turn === this.asked && document.activeElement === this.input) this.show(results);
    } catch {
      if (turn === this.asked) this.close(); // offline, or an error of the server: the form still works
    }
  }

  show(found) {
    this.list.replaceChildren(
      ...found.map((each, place) => {
        const aria = { id: `${this.list.id}-${place}`, role: "option", "aria-selected": "false" };
        return element("li", { ...aria, lang: each.lang }, each.label);
      }),
    );
    this.found = found;
    this.choose(-1);
    this.list.hidden = found.length === 0;
    this.list.scrollIntoView({ block: "nearest" }); // it is lower than the window: the box stays in view
    this.input.setAttribute("aria-expanded", String(found.length > 0));
    const { none, one, many } = this.words;
    this.status.textContent = found.length === 0 ? none : found.length === 1 ? one : many.replace("#", found.length);
  }

  close() {
    clearTimeout(this.timer);
    this.asked += 1; // an answer that is still on its way comes too late
    this.list.hidden = true;
    this.list.replaceChildren();
    this.found = [];
    this.choose(-1);
    this.input.setAttribute("aria-expanded", "false");
    this.status.textContent = "";
  }

  choose(place) {
    this.chosen = place;
    this.options.forEach((option, each) => option.setAttribute("aria-selected", String(each === place)));
    if (place < 0) return this.input.removeAttribute("aria-activedescendant");
    this.input.setAttribute("aria-activedescendant", this.options[place].id);
    this.options[place].scrollIntoView({ block: "nearest" });
  }

  take(place) {
    if (place < 0) return;
    this.taken = this.found[place];
    this.input.value = this.taken.label;
    this.close();
    this.input.focus();
  }

  /* The label is for reading: it may be longer than a question, or hold a synonym. What is sent is sure to be found. */
  send(data) {
    if (this.input.value !== this.taken?.label) return;
    if (this.taken.orpha_code) data.set(this.input.name, `ORPHA:${this.taken.orpha_code}`);
    if (this.taken.kind === "town") {
      data.set(this.input.name, "");
      data.set("near", data.get("near") || this.taken.label);
    }
  }

  key(event) {
    if (event.isComposing || event.altKey || event.ctrlKey || event.metaKey) return;
    const last = this.options.length - 1;
    if (event.key === "Escape") {
      // First the list, then the words: one press each.
      if (this.list.hidden) this.input.value = "";
      this.close();
    } else if (event.key === "ArrowDown" && last < 0) {
      this.ask();
    } else if (event.key === "ArrowDown" && last >= 0) {
      this.choose(this.chosen >= last ? 0 : this.chosen + 1);
    } else if (event.key === "ArrowUp" && last >= 0) {
      this.choose(this.chosen <= 0 ? last : this.chosen - 1);
    } else if (event.key === "Enter" && this.chosen >= 0) {
      this.take(this.chosen);
    } else {
      return;
    }
    event.preventDefault();
  }
}

for (const holder of document.querySelectorAll("[data-suggest]")) new SearchBox(holder);
