# frozen_string_literal: true

# A whole request through the middleware (read 3 keys, write 1), beside Dalli's on the same memcached; everything pinned
# to one CPU, by turns. Medians of the rounds, and of their ratios. `make bench-ruby` calls it.

$LOAD_PATH.unshift(File.expand_path("../lib", __dir__))
require "rack"
require "rack/session/lovely"
require "rack/session/dalli"
require "stringio"
require_relative "floor"
require_relative "../test/support/memcached"

ROUNDS = Integer(ENV.fetch("ROUNDS", "101"))
# Bytes of a session, and in how many keys.
SESSIONS = { 200 => 10, 2_048 => 20, 16_384 => 50, 204_800 => 100 }.freeze

memcached = Memcached.new("-I", "2m")

STORES = {
  lovely: ->(app) { Rack::Session::Lovely.new(app, store: memcached.url) },
  dalli: ->(app) { Rack::Session::Dalli.new(app, memcache_server: "127.0.0.1:#{memcached.port}") }
}.freeze

WORDS = %w[apple bread butter cheese coffee flour honey lemon milk olive onion pepper rice salt sugar tea tomato].freeze

def text(size, random)
  items = Array.new((size / 30) + 1) do
    format('{"id":%d,"name":"%s","price":%.2f}', random.rand(10**6), WORDS.sample(random: random), random.rand(99))
  end
  items.join(",")[0, size]
end

# Dalli compresses what is over 4 KiB, by default: one letter is what it is fastest at, text is what sessions are.
CONTENTS = { "one letter" => ->(size, _) { "x" * size }, "text" => method(:text) }.freeze

def env(cookie)
  { "REQUEST_METHOD" => "GET", "PATH_INFO" => "/", "SCRIPT_NAME" => "", "QUERY_STRING" => "", "SERVER_NAME" => "localhost",
    "SERVER_PORT" => "80", "rack.input" => StringIO.new, "rack.errors" => $stderr, "rack.url_scheme" => "http",
    "HTTP_COOKIE" => cookie }
end

def fill(store, content)
  app = store.call(lambda do |env|
    env["rack.session"].update(content)
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

def median(values)
  values.sort[values.size / 2]
end

puts "Ruby #{RUBY_VERSION}, rack #{Rack.release}, dalli #{Dalli::VERSION}: microseconds a request, median of #{ROUNDS} rounds"
puts "floor: Rack's own part and two round trips on a plain socket"
SESSIONS.to_a.product(CONTENTS.to_a).each do |(size, keys), (kind, value)|
  random = Random.new(1)
  content = Array.new(keys) { |number| ["key#{number}", value.call(size / keys, random)] }.to_h.merge("n" => 0)
  apps = STORES.transform_values { |store| [store.call(REQUEST), fill(store, content)] }
  apps[:floor] = [Floor.new(REQUEST, memcached.port, content, size), "rack.session=#{"0" * 64}"]
  times = size > 100_000 ? 10 : 40
  apps.each_value { |app, cookie| microseconds(app, cookie, times) }
  rounds = Array.new(ROUNDS) { apps.transform_values { |app, cookie| microseconds(app, cookie, times) } }
  medians = apps.to_h { |name, _| [name, median(rounds.map { |round| round[name] })] }
  ratios = %i[lovely floor].map { |name| median(rounds.map { |round| round[name] / round[:dalli] }) }
  puts format("%7d bytes of %-10s: lovely %6.1f, dalli %7.1f, floor %5.1f; of dalli's: lovely %.2f, floor %.2f",
              size, kind, *medians.values_at(:lovely, :dalli, :floor), *ratios)
end
