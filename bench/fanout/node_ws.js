// SPDX-License-Identifier: MIT
// node_ws: the package ws as its users use it: the text of a tick is made once, and sent to each
// client by client.send(). Talks to the bench as pulse.c does. Arguments: message bytes, ticks a
// turn, period in ns, turns before the window, turns in it, 1 when paced.
"use strict";

const { WebSocketServer } = require("ws");

const [message, ticks, periodNs, warm, turns, paced] = process.argv.slice(2).map(Number);
const all = warm + turns;
const header = message < 126 ? 2 : message < 65536 ? 4 : 10;
const clients = [];
let made = 0, late = 0, timer = null, begin = null, over = false;

const nowNs = () => process.hrtime.bigint();
const cpuUs = () => { const u = process.cpuUsage(); return u.user + u.system; };

function text(stamp) {
  const head = `{"ltt":${String(stamp).padStart(20)},"pad":"`;
  return head + "x".repeat(message - head.length - 2) + '"}';
}

function turn(stamp) {
  if (made === warm)
    begin = { cpu: cpuUs(), wall: nowNs() };
  made++;
  for (let i = 0; i < ticks; i++) {
    const t = text(stamp);
    for (const c of clients) c.send(t);
  }
}

function end() {
  const cpu = cpuUs() - begin.cpu, wall = Number(nowNs() - begin.wall) / 1000;
  over = true;
  console.log("done", Math.round(cpu), Math.round(wall), turns * ticks * clients.length, 0,
    all * ticks * clients.length * (header + message));
}

function beat(due) {
  const isIdle = clients.every((c) => c.bufferedAmount === 0);
  if (over) return;
  if (made === all) {
    if (isIdle || ++late * periodNs > 1e10) end();
  } else if (paced) {
    for (; due > 0 && made < all; due--) turn(nowNs());
  } else if (isIdle) {
    turn(nowNs());
  }
}

// Timers of node are whole milliseconds: beats are counted by the clock.
function go() {
  const first = nowNs();
  let beats = 0;
  timer = setInterval(() => {
    const due = Math.floor(Number(nowNs() - first) / periodNs) - beats;
    beats += due;
    if (due > 0) beat(due);
  }, Math.max(1, Math.floor(periodNs / 1e6)));
}

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
server.on("connection", (c) => { clients.push(c); c.on("error", () => {}); });
server.on("listening", () => console.log("port", server.address().port));
process.stdin.on("data", () => { if (!timer) go(); });
process.stdin.on("end", () => process.exit(0));
