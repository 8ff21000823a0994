-- The work of one run of wrk, told by the environment: BENCH_WORK, BENCH_TOKEN, BENCH_KEYS, BENCH_BYTES, BENCH_SEED, BENCH_FILE.
-- Prints one line of JSON at the end.
local work = os.getenv("BENCH_WORK")
local token = os.getenv("BENCH_TOKEN") or ""
local keys = tonumber(os.getenv("BENCH_KEYS") or "100")
local value_bytes = tonumber(os.getenv("BENCH_BYTES") or "1024")
local hot_keys = 100

local function head(method, path, length)
  local lines = { method .. " " .. path .. " HTTP/1.1", "Host: localhost", "X-Vault-Token: " .. token }
  if length then lines[#lines + 1] = "Content-Length: " .. length end
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

local function key(number)
  return string.format("/v1/secret/data/bench/%07d", number)
end

-- A body whose value differs with each number, so that nothing can be shared or compressed away.
local filler = {}
local function body(number)
  local tail = string.format("%010d", number)
  return '{"data":{"username":"app","value":"' .. filler[number % #filler + 1] .. tail .. '"}}'
end

local next_request

local works = {}

function works.get()
  local whole = head("GET", os.getenv("BENCH_PATH"))
  return function() return whole end
end

function works.hot()
  local prepared, counter = {}, 0
  for number = 0, hot_keys - 1 do prepared[number] = head("GET", key(number)) end
  return function()
    counter = counter + 1
    return prepared[counter % hot_keys]
  end
end

-- Concatenation, since formatting a request costs wrk as much as sending it.
function works.uniform()
  local before, after = head("GET", "\0"):match("^(.-)%z(.*)$")
  return function() return before .. key(math.random(0, keys - 1)) .. after end
end

local function put(number)
  local text = body(number + math.random(0, 1000))
  return head("POST", key(number), #text) .. text
end

function works.write()
  return function() return put(math.random(0, keys - 1)) end
end

function works.post()
  local text = os.getenv("BENCH_BODY")
  local whole = head("POST", os.getenv("BENCH_PATH"), #text) .. text
  return function() return whole end
end

-- Requests that were made before, one after the other: of clients that sign them.
function works.made()
  local file = assert(io.open(os.getenv("BENCH_FILE"), "rb"))
  local made, counter = {}, 0
  for whole in file:read("*a"):gmatch("[^%z]+") do made[#made + 1] = whole end
  file:close()
  return function()
    counter = counter % #made + 1
    return made[counter]
  end
end

-- Each wrapping is followed by its unwrapping, on whichever connection is free.
function works.wrap()
  local text = '{"value":"' .. filler[1]:sub(1, 100) .. '"}'
  local wrapping = head("POST", "/v1/sys/wrapping/wrap", #text):gsub("\r\n\r\n$", "\r\nX-Vault-Wrap-TTL: 300\r\n\r\n") .. text
  local waiting = {}
  function response(_, _, answer)
    local wrapped = answer:match('"wrap_info":{"token":"([^"]+)"')
    if wrapped then waiting[#waiting + 1] = wrapped end
  end
  return function()
    local wrapped = table.remove(waiting)
    if not wrapped then return wrapping end
    local named = '{"token":"' .. wrapped .. '"}'
    return head("POST", "/v1/sys/wrapping/unwrap", #named) .. named
  end
end

function init()
  math.randomseed(tonumber(os.getenv("BENCH_SEED") or "1"))
  for number = 1, 64 do
    local letters = {}
    for position = 1, value_bytes - 10 do letters[position] = string.char(math.random(97, 122)) end
    filler[number] = table.concat(letters)
  end
  next_request = works[work]()
end

function request() return next_request() end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "duration_us": %d, "p50_us": %.1f, "p99_us": %.1f, "bytes": %d, "failed": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), summary.bytes,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
