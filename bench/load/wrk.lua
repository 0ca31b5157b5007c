-- Sends the credentials of a file in turn. All requests are built before the first is sent, so that the generator has
-- little to do; each thread begins at another place.
-- Arguments: file, header, number of threads, and "count" to count each status (which costs the generator something).

local threads = {}
local requests = {}
local position = 0
statuses = {}

function setup(thread)
  thread:set("number", #threads)
  table.insert(threads, thread)
end

function init(args)
  for credential in io.lines(args[1]) do
    table.insert(requests, wrk.format("GET", "/", { [args[2]] = credential }))
  end
  position = math.floor(#requests * number / tonumber(args[3]))
  if args[4] == "count" then
    function response(status)
      statuses[tostring(status)] = (statuses[tostring(status)] or 0) + 1
    end
  end
end

function request()
  position = position % #requests + 1
  return requests[position]
end

function done(summary, latency)
  local counted = {}
  for _, thread in ipairs(threads) do
    for status, count in pairs(thread:get("statuses")) do
      counted[status] = (counted[status] or 0) + count
    end
  end
  local pairs_ = {}
  for status, count in pairs(counted) do
    table.insert(pairs_, string.format('"%s":%d', status, count))
  end
  local errors = summary.errors
  print(string.format(
    '\nRESULT {"requests":%d,"seconds":%.6f,"p50":%.3f,"p99":%.3f,"refused":%d,"errors":%d,"cpu":%.3f,"statuses":{%s}}',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout, os.clock(), table.concat(pairs_, ",")))
end
