"use strict";
// Sort a table by a click on a head, and show the ranks of the figure that it is sorted by.

function showRanks(table, column) {
  table.querySelector("th.rank").textContent = "rank in " + table.tHead.rows[0].cells[column].innerText.trim();
  for (const row of table.tBodies[0].rows) {
    const { rank, alike } = row.cells[column].dataset;
    const cell = row.cells[0];
    cell.textContent = rank ?? "";
    if (alike) {
      const others = document.createElement("span");
      others.className = "alike";
      others.title = "not separable from these ranks";
      others.textContent = " ~ " + alike;
      cell.append(others);
    }
    row.classList.toggle("first", rank === "1" || (alike ?? "").split(", ").includes("1"));
  }
}

function sort(table, column) {
  const heads = [...table.tHead.rows[0].cells], head = heads[column];
  const figure = head.dataset.kind === "figure";
  const turned = { ascending: "descending", descending: "ascending" };
  const order = turned[head.ariaSort] ?? (figure ? "descending" : "ascending");
  const sign = order === "descending" ? -1 : 1;
  const value = row => row.cells[column].dataset.value ?? "";
  const compared = (one, other) => figure ? Number(one) - Number(other) : one.localeCompare(other);
  // Rows without the figure stay last, whichever way.
  const rows = [...table.tBodies[0].rows].sort((a, b) =>
    (value(a) === "") - (value(b) === "") || sign * compared(value(a), value(b)));
  table.tBodies[0].append(...rows);
  for (const one of heads) one.ariaSort = one === head ? order : null;
  if (figure) showRanks(table, column);
}

for (const table of document.querySelectorAll("table.board")) {
  for (const button of table.tHead.querySelectorAll("button")) {
    button.onclick = () => sort(table, button.closest("th").cellIndex);
  }
}
for (const link of document.querySelectorAll("a.row")) {
  link.onclick = event => {
    event.preventDefault();
    const details = document.getElementById(link.hash.slice(1));
    details.open = true;
    details.scrollIntoView();
  };
}
// Inside a report of one file there is nothing beside the page.
if (!["file:", "http:", "https:"].includes(location.protocol)) {
  for (const link of document.querySelectorAll("a.player")) link.replaceWith(link.textContent);
}
