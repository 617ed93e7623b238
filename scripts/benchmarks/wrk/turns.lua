-- Receives a message and deletes it, over and over; where there are bodies to send, it sends one before, so that the backlog stays as it is.
--   wrk ... -H "X-Amz-Target: AmazonSQS.ReceiveMessage" -s turns.lua URL -- FILE LIMIT
-- The file's first line has three numbers: of queues, of groups, and the first deduplication id. Then come the bodies, one on a line for each
-- queue: of SendMessage, if any, with GROUP and NUMBER in that order where the queue is FIFO; of ReceiveMessage; of DeleteMessage with HANDLE.
-- With several queues a message says `queue N`, which tells to where its handle belongs. LIMIT n: stop after n requests. No more messages are
-- in flight than wrk has connections. Empty answers are errors; where messages are sent, one of a hundred may be empty: another connection's
-- send was overtaken, or its group is in flight. Writes one line of JSON at the end.
local ffi = require("ffi")
ffi.cdef("typedef struct { long s; long us; } bench_time; int gettimeofday(bench_time *time, void *zone);")

local moment = ffi.new("bench_time")
local threads, handles, sends, receives, deletes, deleting, sending = {}, {}, {}, {}, {}, {}, {}
local queues, groups, first, limit = 1, 0, 0, 0
local asked, sent, arrived, received, verified, started = 0, 0, 0, 0, false, 0
empty = 0

local function now()
  ffi.C.gettimeofday(moment, nil)
  return tonumber(moment.s) + tonumber(moment.us) / 1e6
end

local function with(target)
  local headers = {}
  for name, value in pairs(wrk.headers) do
    headers[name] = value
  end
  headers["X-Amz-Target"] = "AmazonSQS." .. target
  return headers
end

function setup(thread)
  threads[#threads + 1] = thread
end

function init(args)
  local lines = {}
  for line in io.lines(args[1]) do
    lines[#lines + 1] = line
  end
  limit = tonumber(args[2])
  local numbers = lines[1]:gmatch("%d+")
  queues, groups, first = tonumber(numbers()), tonumber(numbers()), tonumber(numbers())
  deleting, sending = with("DeleteMessage"), with("SendMessage")
  local next_line = 2
  if #lines > 2 * queues + 1 then
    for number = 1, queues do
      local body = lines[number + 1]
      if groups > 0 then
        sends[number] = { body:match("^(.*)GROUP(.*)NUMBER(.*)$") }
      else
        sends[number] = wrk.format("POST", "/", sending, body)
      end
    end
    next_line = queues + 2
  end
  for number = 1, queues do
    receives[number] = wrk.format("POST", "/", nil, lines[next_line + number - 1])
    deletes[number] = { lines[next_line + queues + number - 1]:match("^(.*)HANDLE(.*)$") }
  end
end

local function send()
  local body = sends[sent % queues + 1]
  if groups > 0 then
    local number = first + sent
    body = wrk.format("POST", "/", sending, body[1] .. "group-" .. number % groups .. body[2] .. number .. body[3])
  end
  sent = sent + 1
  return body
end

local function receive()
  received = received + 1
  return receives[(received - 1) % queues + 1]
end

function request()
  if not verified then -- wrk asks for one request to look at and never sends it
    verified = true
    return receives[1]
  end
  if asked == 0 then
    started = now()
  end
  if limit > 0 and asked >= limit then
    if not elapsed then
      elapsed = now() - started
      wrk.thread:stop()
    end
    return receives[1]
  end
  asked = asked + 1
  local handle = table.remove(handles)
  if handle then
    local body = deletes[handle[1]]
    return wrk.format("POST", "/", deleting, body[1] .. handle[2] .. body[2])
  end
  if #sends > 0 and arrived <= received then
    return send()
  end
  return receive()
end

function response(_, _, body)
  local handle = body:match('"ReceiptHandle":%s*"([^"]+)"')
  if handle then
    handles[#handles + 1] = { queues > 1 and tonumber(body:match("queue (%d+)")) or 1, handle }
  elseif body:find('"MD5OfMessageBody"', 1, true) then
    arrived = arrived + 1
  elseif body == "{}" then -- DeleteMessage answers nothing at all
    empty = empty + 1
    if queues == 1 and #sends > 0 then
      received = received - 1
    end
  end
  spare = #sends > 0 and asked / 100 or 0
end

function done(summary, latency, _)
  local dry, none = threads[1]:get("elapsed"), threads[1]:get("empty")
  if none <= (threads[1]:get("spare") or 0) then
    none = 0
  end
  local errors = summary.errors
  local line = '\nresult {"requests":%d,"seconds":%.6f,"dry":%s,"p50_ms":%.3f,"p99_ms":%.3f,"max_ms":%.3f,'
    .. '"errors":{"status":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d,"empty":%d}}\n'
  io.write(line:format(summary.requests, dry or summary.duration / 1e6, tostring(dry ~= nil), latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, latency.max / 1e3, errors.status, errors.connect, errors.read, errors.write, errors.timeout, none))
end
