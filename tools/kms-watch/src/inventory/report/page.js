"use strict";
const table = document.getElementById("keys");
const body = table.tBodies[0];
const filter = document.getElementById("filter");
const rows = Array.from(body.rows);
const titles = Array.from(table.tHead.rows[0].cells, (head) => head.textContent.toLowerCase());
const cells = (row) => Array.from(row.cells, (cell) => cell.textContent.toLowerCase());
// Every word has to be somewhere in the row; `region:eu-west-1` has to be all of that column's cell.
function holds(word, texts) {
  const [title, ...rest] = word.split(":");
  const column = titles.indexOf(title);
  return rest.length > 0 && column >= 0 ? texts[column] === rest.join(":") : texts.some((text) => text.includes(word));
}
function show() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const row of rows) {
    const texts = cells(row);
    row.hidden = !words.every((word) => holds(word, texts));
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
// A Region of the list above the table shows its keys.
for (const button of document.querySelectorAll("[data-filter]")) {
  button.addEventListener("click", () => {
    filter.value = button.dataset.filter;
    show();
    filter.focus();
  });
}
show();
