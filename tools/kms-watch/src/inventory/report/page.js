"use strict";
const table = document.getElementById("keys");
const body = table.tBodies[0];
const filter = document.getElementById("filter");
const rows = Array.from(body.rows);
// Every word has to be somewhere in the row.
function show() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
    count += row.hidden ? 0 : 1;
  }
  document.getElementById("count").textContent = `${count} of ${rows.length} keys`;
}
function sort(column, head) {
  const down = head.getAttribute("aria-sort") === "ascending";
  for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const text = (row) => row.cells[column].textContent;
  rows.sort((one, other) => text(one).localeCompare(text(other)) * (down ? -1 : 1));
  body.append(...rows);
}
Array.from(table.tHead.rows[0].cells).forEach((head, column) => {
  head.firstChild.addEventListener("click", () => sort(column, head));
});
filter.addEventListener("input", show);
show();
