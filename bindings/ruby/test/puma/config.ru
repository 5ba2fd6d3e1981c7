# frozen_string_literal: true

require "rack/session/lovely"

# The store is opened, and used, before the workers are forked.
STORE = Lovely::Store.open(ENV.fetch("TEST_STORE"))
STORE.ping

use Rack::Session::Lovely, store: STORE
run(lambda do |env|
  session = env["rack.session"]
  session.increment("count") if env["PATH_INFO"] == "/increment"
  session["worker-#{Process.pid}"] = true
  [200, { "Content-Type" => "text/plain" }, [session.to_hash.inspect]]
end)
