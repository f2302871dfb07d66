import assert from "node:assert/strict";
import { test } from "node:test";
import { Metrics } from "./metrics.ts";

test("counters, gauges and histograms as Prometheus reads them", () => {
  const metrics = new Metrics();
  const counter = metrics.counter("asked_total", "Questions.", ["who"]);
  counter.add(['a"b']);
  counter.add(['a"b'], 2);
  metrics.gauge("open", "Open now.", [], () => 7);
  const histogram = metrics.histogram("seconds", "How long.", ["verb"], [0.1, 1]);
  for (const value of [0.05, 0.5, 5]) histogram.observe(["GET"], value);
  assert.equal(
    metrics.text(),
    [
      "# HELP asked_total Questions.",
      "# TYPE asked_total counter",
      'asked_total{who="a\\"b"} 3',
      "# HELP open Open now.",
      "# TYPE open gauge",
      "open 7",
      "# HELP seconds How long.",
      "# TYPE seconds histogram",
      'seconds_bucket{verb="GET",le="0.1"} 1',
      'seconds_bucket{verb="GET",le="1"} 2',
      'seconds_bucket{verb="GET",le="+Inf"} 3',
      'seconds_sum{verb="GET"} 5.55',
      'seconds_count{verb="GET"} 3',
      "",
    ].join("\n"),
  );
});

test("label values past the limit are counted together", () => {
  const metrics = new Metrics();
  const counter = metrics.counter("asked_total", "Questions.", ["who"]);
  for (let index = 0; index < 6_000; index++) counter.add([`user-${index}`]);
  assert.match(metrics.text(), /^asked_total\{who="other"\} 1000$/m);
});
