// Show one campaign, or all; without this script the page shows all. The address keeps the choice:
// #campaign=<id>, and &at=<section>.
const choice = document.getElementById("campaign");
const announcement = document.getElementById("shown");
const folded = [...document.querySelectorAll("details[data-campaign]")];
const foldedBefore = new Map(folded.map((one) => [one, one.open]));

function show(campaign) {
  const isAll = campaign === "";
  for (const one of document.querySelectorAll("[data-campaign]")) {
    one.hidden = !isAll && one.dataset.campaign !== campaign;
  }
  for (const one of folded) {
    one.open = !isAll || foldedBefore.get(one);
  }
  for (const part of document.querySelectorAll("[data-filtered]")) {
    const rows = [...part.querySelectorAll("[data-campaign]")];
    const nothing = rows.length > 0 && rows.every((row) => row.hidden);
    part.classList.toggle("emptied", nothing);
    part.querySelector(":scope > .nothing").hidden = !nothing;
  }
  document.body.classList.toggle("filtered", !isAll);
  choice.value = campaign;
  announcement.textContent = isAll ? "All campaigns are shown." : `Only ${choice.selectedOptions[0].textContent} is shown.`;
  letScroll();
}

function keep(section) {
  const address = new URLSearchParams();
  if (choice.value !== "") address.set("campaign", choice.value);
  if (section) address.set("at", section);
  try {
    history.replaceState(null, "", choice.value === "" ? `#${section ?? ""}` : `#${address}`);
  } catch {
    // A preview in a sandbox has no address to keep it in.
  }
}

function read() {
  const address = new URLSearchParams(location.hash.slice(1));
  const wanted = address.get("campaign") ?? "";
  const isKnown = [...choice.options].some((option) => option.value === wanted);
  if (wanted !== "" || choice.value !== "") show(isKnown ? wanted : "");
  if (!isKnown) announcement.textContent = `There is no campaign ${wanted}. All campaigns are shown.`;
  document.getElementById(address.get("at"))?.scrollIntoView();
}

// What scrolls in place has to be reached by the keyboard, and to say what it is.
function letScroll() {
  for (const one of document.querySelectorAll(".scroll")) {
    const scrolls = one.scrollWidth > one.clientWidth || one.scrollHeight > one.clientHeight;
    if (!scrolls) one.removeAttribute("tabindex");
    else one.tabIndex = 0;
  }
}

choice.addEventListener("change", () => {
  show(choice.value);
  keep();
});
for (const link of document.querySelectorAll("a[href^=\"#\"]")) {
  link.addEventListener("click", (event) => {
    if (choice.value === "") return;
    event.preventDefault();
    const section = link.hash.slice(1);
    document.getElementById(section).scrollIntoView();
    keep(section);
  });
}
for (const one of document.querySelectorAll("details")) one.addEventListener("toggle", letScroll);
addEventListener("hashchange", read);
addEventListener("resize", letScroll);

document.getElementById("filter").hidden = false;
choice.value = "";
read();
letScroll();
