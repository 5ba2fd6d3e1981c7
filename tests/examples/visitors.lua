-- For wrk: visits of a hundred visitors; and in the end one line: answered N failed N.
local thread_number = 0

function setup(thread)
    thread:set("seed", thread_number)
    thread_number = thread_number + 1
end

function init()
    math.randomseed(seed)
end

function request()
    return wrk.format("GET", "/", { Cookie = "id=visitor-" .. math.random(0, 99) })
end

function done(summary)
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
    io.write(string.format("answered %d failed %d\n", summary.requests, failed))
end
