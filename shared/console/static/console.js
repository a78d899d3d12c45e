// What every page loads: times that stay true, tooltips, buttons and forms that change something,
// charts. Pages can be read without it.

import { keepTrue } from "./times.js";
import { wireActions } from "./actions.js";
import { showKept } from "./messages.js";
import { drawCharts } from "./charts.js";
import { wireTips } from "./tips.js";

document.documentElement.classList.add("js");
showKept();
keepTrue();
wireTips();
wireActions();
drawCharts();
