# frozen_string_literal: true

require "helper"
require "net/http"
require "tmpdir"

# A real server of several processes with several threads each.
class PumaTest < Minitest::Test
  WORKERS = 2
  THREADS = 5
  REQUESTS = 2_000

  def with_puma
    Dir.mktmpdir do |dir|
      config = File.join(dir, "puma.rb")
      File.write(config, "preload_app!\nworkers #{WORKERS}\nthreads #{THREADS}, #{THREADS}\n" \
                         "bind 'tcp://127.0.0.1:0'\nenvironment 'production'\n")
      log = File.join(dir, "log")
      env = { "TEST_STORE" => "#{Memcached.shared.url}/puma-#{Process.pid}",
              "RUBYLIB" => File.join(ROOT, "bindings/ruby/lib") }
      pid = Process.spawn(env, "puma", "-C", config, File.join(__dir__, "puma/config.ru"), %i[out err] => log)
      begin
        yield wait_for(log)
      ensure
        Process.kill(:TERM, pid)
        Process.wait(pid)
      end
    end
  end

  # The port that it was given, once all workers have booted.
  def wait_for(log)
    3000.times do
      said = File.read(log)
      return Integer(said[/\* Listening on .*:(\d+)$/, 1]) if said.scan("booted").size >= WORKERS

      sleep 0.01
    end
    flunk "puma did not start:\n#{File.read(log)}"
  end

  def test_no_increment_of_2000_requests_to_two_workers_of_five_threads_is_lost
    with_puma do |port|
      cookie = Net::HTTP.get_response("127.0.0.1", "/increment", port)["Set-Cookie"][/\A[^;]+/]
      clients = WORKERS * THREADS
      threads = Array.new(clients) do |client|
        Thread.new do
          rest = (REQUESTS - 1).divmod(clients)
          (rest[0] + (client < rest[1] ? 1 : 0)).times.map do
            Net::HTTP.start("127.0.0.1", port) { |http| http.get("/increment", "Cookie" => cookie).code }
          end
        end
      end
      assert_equal({ "200" => REQUESTS - 1 }, threads.flat_map(&:value).tally)
      body = Net::HTTP.start("127.0.0.1", port) { |http| http.get("/", "Cookie" => cookie).body }
      assert_match(/"count"=>#{REQUESTS}\b/, body)
      assert_equal WORKERS, body.scan(/worker-\d+/).uniq.size, "both workers took part"
    end
  end
end
