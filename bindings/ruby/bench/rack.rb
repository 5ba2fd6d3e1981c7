# frozen_string_literal: true

# A whole request through the middleware (read 3 keys, write 1), beside Dalli's on the same memcached; everything pinned
# to one CPU, the two by turns. Medians of the rounds, and their ratio. `make bench-ruby` calls it.

$LOAD_PATH.unshift(File.expand_path("../lib", __dir__))
require "rack"
require "rack/session/lovely"
require "rack/session/dalli"
require "socket"
require "stringio"

ROUNDS = Integer(ENV.fetch("ROUNDS", "101"))
# Bytes of a session, and in how many keys.
SESSIONS = { 200 => 10, 2_048 => 20, 16_384 => 50, 204_800 => 100 }.freeze

port = TCPServer.open("127.0.0.1", 0) { |server| server.addr[1] }
user = Process.uid.zero? ? %w[-u nobody] : []
memcached = Process.spawn("memcached", "-l", "127.0.0.1", "-p", port.to_s, "-I", "2m", *user)
at_exit do
  Process.kill(:TERM, memcached)
  Process.wait(memcached)
end
begin
  TCPSocket.open("127.0.0.1", port).close
rescue Errno::ECONNREFUSED
  sleep 0.01
  retry
end

STORES = {
  lovely: ->(app) { Rack::Session::Lovely.new(app, store: "memcached://127.0.0.1:#{port}") },
  dalli: ->(app) { Rack::Session::Dalli.new(app, memcache_server: "127.0.0.1:#{port}") }
}.freeze

def env(cookie)
  { "REQUEST_METHOD" => "GET", "PATH_INFO" => "/", "SCRIPT_NAME" => "", "QUERY_STRING" => "", "SERVER_NAME" => "localhost",
    "SERVER_PORT" => "80", "rack.input" => StringIO.new, "rack.errors" => $stderr, "rack.url_scheme" => "http",
    "HTTP_COOKIE" => cookie }
end

def fill(store, size, keys)
  app = store.call(lambda do |env|
    keys.times { |number| env["rack.session"]["key#{number}"] = "x" * (size / keys) }
    env["rack.session"]["n"] = 0
    [200, {}, []]
  end)
  app.call(env(""))[1]["Set-Cookie"][/\A[^;]+/]
end

REQUEST = lambda do |env|
  session = env["rack.session"]
  session["key0"]
  session["key1"]
  session["key2"]
  session["n"] += 1
  [200, {}, []]
end

def microseconds(app, cookie, times)
  began = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  times.times { app.call(env(cookie)) }
  (Process.clock_gettime(Process::CLOCK_MONOTONIC) - began) / times * 1e6
end

puts "Ruby #{RUBY_VERSION}, rack #{Rack.release}, dalli #{Dalli::VERSION}: microseconds a request, median of #{ROUNDS} rounds"
SESSIONS.each do |size, keys|
  apps = STORES.transform_values { |store| [store.call(REQUEST), fill(store, size, keys)] }
  times = size > 100_000 ? 10 : 40
  apps.each_value { |app, cookie| microseconds(app, cookie, times) }
  rounds = Array.new(ROUNDS) { apps.transform_values { |app, cookie| microseconds(app, cookie, times) } }
  median = ->(values) { values.sort[values.size / 2] }
  lovely, dalli = %i[lovely dalli].map { |name| median.call(rounds.map { |round| round[name] }) }
  ratio = median.call(rounds.map { |round| round[:lovely] / round[:dalli] })
  puts format("%7d bytes: lovely %7.1f, dalli %7.1f, ratio %.2f", size, lovely, dalli, ratio)
end
