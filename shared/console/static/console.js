// What every page loads: times that stay true, tooltips, buttons and forms that change something,
// charts. Pages can be read without it.

import { keepTrue } from "./times.js";
import { wireActions } from "./actions.js";
import { showKept } from "./messages.js";
import { drawCharts } from "./charts.js";
import { wireTips } from "./tips.js";
import { wireFields } from "./fields.js";

const current = document.querySelector(".top__nav [aria-current]");
const list = current?.closest("ul");
if (list) list.scrollLeft = current.offsetLeft - (list.clientWidth - current.offsetWidth) / 2;
showKept();
keepTrue();
wireTips();
wireFields();
wireActions();
drawCharts();
