-- Sends the bodies of a file, one on a line, each as a POST to / with the headers that wrk was given with -H.
--   wrk ... -s replay.lua URL -- FILE LIMIT
-- LIMIT 0: the bodies in turn, over and over, until wrk's time is up. LIMIT n: stop after n requests; with n lines in the file every body is
-- sent once. Writes one line of JSON at the end. "seconds" is the time in which "requests" were answered, also when the limit ended it early.
local ffi = require("ffi")
ffi.cdef("typedef struct { long s; long us; } bench_time; int gettimeofday(bench_time *time, void *zone);")

local moment = ffi.new("bench_time")
local requests, limit, sent, verified, started = {}, 0, 0, false, 0
local threads = {}

local function now()
  ffi.C.gettimeofday(moment, nil)
  return tonumber(moment.s) + tonumber(moment.us) / 1e6
end

function setup(thread)
  threads[#threads + 1] = thread
end

function init(args)
  wrk.method = "POST"
  wrk.path = "/"
  limit = tonumber(args[2])
  for body in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format(nil, nil, nil, body)
  end
  if #requests == 1 and limit == 0 then
    wrk.body = io.lines(args[1])()
    request = nil -- always the same bytes: wrk need not ask
  end
end

function request()
  if not verified then -- wrk asks for one request to look at and never sends it
    verified = true
    return requests[1]
  end
  if sent == 0 then
    started = now()
  end
  if limit > 0 and sent >= limit then
    if not elapsed then
      elapsed = now() - started
      wrk.thread:stop()
    end
    return requests[#requests]
  end
  sent = sent + 1
  return requests[(sent - 1) % #requests + 1]
end

function done(summary, latency, _)
  local dry = threads[1]:get("elapsed")
  local errors = summary.errors
  local line = '\nresult {"requests":%d,"seconds":%.6f,"dry":%s,"p50_ms":%.3f,"p99_ms":%.3f,"max_ms":%.3f,'
    .. '"errors":{"status":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d}}\n'
  io.write(line:format(summary.requests, dry or summary.duration / 1e6, tostring(dry ~= nil), latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, latency.max / 1e3, errors.status, errors.connect, errors.read, errors.write, errors.timeout))
end
