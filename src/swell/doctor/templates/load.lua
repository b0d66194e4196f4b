-- The same for wrk: it has no iterations, so the work is done when an answer has come.
local pause = tonumber(os.getenv("PAUSE_S"))
local burn = tonumber(os.getenv("BURN_US")) / 1e6

if burn > 0 then
  function response()
    local stop = os.clock() + burn
    while os.clock() < stop do end
  end
end

if pause > 0 then
  function delay()
    return math.random(0, 2000 * pause)
  end
end

function done(summary, latency)
  io.write(string.format('calibration {"requests": %d, "us": [%d, %d, %d]}\n', summary.requests,
    latency:percentile(50), latency:percentile(95), latency:percentile(99)))
end
