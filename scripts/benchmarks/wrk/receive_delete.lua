-- Receives one message and deletes it, over and over. The file has the body of ReceiveMessage, and that of DeleteMessage with the word HANDLE.
--   wrk ... -H "X-Amz-Target: AmazonSQS.ReceiveMessage" -s receive_delete.lua URL -- FILE 0
-- No more messages are in flight than wrk has connections. Empty answers are counted as errors. Writes one line of JSON at the end.
local threads, handles, receive, before, after, deleting = {}, {}, nil, nil, nil, {}
empty = 0

function setup(thread)
  threads[#threads + 1] = thread
end

function init(args)
  local lines = {}
  for line in io.lines(args[1]) do
    lines[#lines + 1] = line
  end
  for name, value in pairs(wrk.headers) do
    deleting[name] = value
  end
  deleting["X-Amz-Target"] = "AmazonSQS.DeleteMessage"
  before, after = lines[2]:match("^(.*)HANDLE(.*)$")
  receive = wrk.format("POST", "/", nil, lines[1])
end

function request()
  local handle = table.remove(handles)
  if handle then
    return wrk.format("POST", "/", deleting, before .. handle .. after)
  end
  return receive
end

function response(_, _, body)
  local handle = body:match('"ReceiptHandle":%s*"([^"]+)"')
  if handle then
    handles[#handles + 1] = handle
  elseif body == "{}" then -- DeleteMessage answers nothing at all
    empty = empty + 1
  end
end

function done(summary, latency, _)
  local errors = summary.errors
  local line = '\nresult {"requests":%d,"seconds":%.6f,"dry":false,"p50_ms":%.3f,"p99_ms":%.3f,"max_ms":%.3f,'
    .. '"errors":{"status":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d,"empty":%d}}\n'
  io.write(line:format(summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    latency.max / 1e3, errors.status, errors.connect, errors.read, errors.write, errors.timeout, threads[1]:get("empty")))
end
