// Keeps the numbers of a sending fresh. Without this script the page is complete and has a link to load it again.
const SECONDS = 5;
const page = document.querySelector("[data-progress]");

function show(found) {
  for (const place of page.querySelectorAll("[data-place]")) {
    const text = found.texts[place.dataset.place] ?? "";
    // A live region speaks when it is written to: only what is new.
    if (place.textContent !== text) place.textContent = text;
  }
  // Other buttons would fit now. They are not swapped under somebody's finger: a link says so.
  page.querySelector("[data-progress-changed]").hidden = found.mailing === page.dataset.mailing;
}

async function look() {
  let goesOn = true;
  if (!document.hidden) {
    try {
      const answer = await fetch(page.dataset.progress, { headers: { Accept: "application/json" } });
      if (answer.ok && !answer.redirected) {
        const found = await answer.json();
        show(found);
        goesOn = found.is_under_way;
      }
    } catch {
      // The site is away for a moment: the next look will tell.
    }
  }
  if (goesOn) setTimeout(look, SECONDS * 1000);
}

if (page) setTimeout(look, SECONDS * 1000);
