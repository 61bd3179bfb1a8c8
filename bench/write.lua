-- wrk script: single writes, each with a value of its own. BENCH_WRITE is log-metric, set-tag or create; BENCH_RUNS are
-- ids of runs, by turns. Reports as post.lua does.
local what, runs, count = os.getenv("BENCH_WRITE"), {}, 0
for run in string.gmatch(os.getenv("BENCH_RUNS"), "%x+") do runs[#runs + 1] = run end
local headers = {["Content-Type"] = "application/json"}
local bodies = {
  ["log-metric"] = '{"run_id": "%s", "key": "loss", "value": %d, "timestamp": 17%011d, "step": %d}',
  ["set-tag"] = '{"run_id": "%s", "key": "note", "value": "value %d"}',
  ["create"] = '{"experiment_id": "%s", "start_time": 1, "run_name": "bench %d"}',
}

function request()
  count = count + 1
  local body = string.format(bodies[what], runs[count % #runs + 1], count, count, count)
  return wrk.format("POST", "/api/2.0/mlflow/runs/" .. what, headers, body)
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    '\nBENCH {"requests": %d, "seconds": %.6f, "p50_ms": %.4f, "p99_ms": %.4f, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
