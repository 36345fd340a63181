// Show one campaign, or all. Without this script the page shows all.
const choice = document.getElementById("campaign");
const announcement = document.getElementById("shown");
const folded = [...document.querySelectorAll("details[data-campaign]")];
const open = new Map(folded.map((one) => [one, one.open]));

function show(campaign) {
  const of = [...document.querySelectorAll("[data-campaign]")];
  for (const one of of) one.hidden = campaign !== "" && one.dataset.campaign !== campaign;
  for (const one of folded) one.open = campaign !== "" || open.get(one);
  for (const part of document.querySelectorAll("[data-filtered]")) {
    const rows = [...part.querySelectorAll("[data-campaign]")];
    const nothing = rows.length > 0 && rows.every((row) => row.hidden);
    part.classList.toggle("emptied", nothing);
    part.querySelector(":scope > .nothing").hidden = !nothing;
  }
  document.body.classList.toggle("filtered", campaign !== "");
  const name = choice.selectedOptions[0].textContent;
  announcement.textContent = campaign === "" ? "Showing all campaigns." : `Showing ${name}.`;
}

function read() {
  const wanted = new URLSearchParams(location.hash.slice(1)).get("campaign");
  if (wanted === null || ![...choice.options].some((option) => option.value === wanted)) return;
  choice.value = wanted;
  show(wanted);
}

choice.addEventListener("change", () => {
  show(choice.value);
  const chosen = new URLSearchParams({ campaign: choice.value });
  history.replaceState(null, "", choice.value === "" ? "#" : `#${chosen}`);
});
addEventListener("hashchange", read);
document.getElementById("filter").hidden = false;
choice.value = "";
read();
