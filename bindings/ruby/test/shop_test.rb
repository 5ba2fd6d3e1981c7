# frozen_string_literal: true

require "helper"
require "json"
require "net/http"
require "open3"
require "tmpdir"

# examples/rack_shop.ru under puma, and where it is built, the shop in C++ beside it on the same memcached.
class ShopTest < Minitest::Test
  # A visitor's browser: it keeps the cookie, whoever serves it.
  class Visitor
    attr_reader :cookie, :last

    def get(port, path = "/cart")
      call(port, Net::HTTP::Get.new(path))
    end

    def post(port, path, form = {})
      request = Net::HTTP::Post.new(path)
      request.set_form_data(form)
      call(port, request)
    end

    def seen(port)
      JSON.parse(get(port).body)
    end

    private

    def call(port, request)
      request["Cookie"] = @cookie if @cookie
      @last = Net::HTTP.start("127.0.0.1", port) { |http| http.request(request) }
      set = @last["Set-Cookie"]
      if set
        value = set[/\Ashop=([^;]*)/, 1]
        @cookie = value.empty? ? nil : "shop=#{value}"
      end
      @last
    end
  end

  def url
    @url ||= "#{Memcached.shared.url}/shop-#{Process.pid}-#{NUMBERS.pop(true)}"
  end

  def with_shop
    Dir.mktmpdir do |dir|
      log = File.join(dir, "log")
      env = { "LOVELY_SESSION_URL" => url, "RUBYLIB" => File.join(ROOT, "bindings/ruby/lib") }
      pid = Process.spawn(env, "puma", "--bind", "tcp://127.0.0.1:0", "--environment", "production",
                          File.join(ROOT, "examples/rack_shop.ru"), %i[out err] => log)
      begin
        yield wait_for(log)
      ensure
        stop(pid)
      end
    end
  end

  # The port that it was given.
  def wait_for(log)
    3000.times do
      port = File.read(log)[/^\* Listening on .*:(\d+)$/, 1]
      return Integer(port) if port

      sleep 0.01
    end
    flunk File.read(log)
  end

  def stop(pid)
    Process.kill(:TERM, pid)
    Process.wait(pid)
  end

  def test_signs_in_fills_a_cart_and_signs_out
    with_shop do |port|
      ann = Visitor.new
      assert_equal({ "cart" => {}, "user" => nil }, ann.seen(port))
      assert_nil ann.cookie, "a visitor without a session gets none by looking"
      assert_equal "303", ann.post(port, "/cart", "item" => "apples & pears", "count" => "2").code
      guest = ann.cookie
      assert_match(/\Ashop=\h{32}\z/, guest)
      ann.post(port, "/signin", "user" => "Änn")
      refute_equal guest, ann.cookie
      assert_match(/HttpOnly; SameSite=Lax/, ann.last["Set-Cookie"])
      assert_equal({ "cart" => { "apples & pears" => 2 }, "user" => "Änn" }, ann.seen(port))
      assert_match(/Hello, Änn.*2 apples &amp; pears/m, ann.get(port, "/").body.force_encoding("UTF-8"))

      old = ann.cookie
      assert_equal "303", ann.post(port, "/signout").code
      assert_nil ann.cookie
      again = Visitor.new
      again.instance_variable_set(:@cookie, old)
      assert_equal({ "cart" => {}, "user" => nil }, again.seen(port))
      assert_equal "400", again.post(port, "/cart", "item" => "").code
      assert_equal "400", again.post(port, "/cart", "item" => "a", "count" => "1001").code
    end
  end

  def test_concurrent_requests_of_one_visitor_all_count
    with_shop do |port|
      ann = Visitor.new
      ann.post(port, "/cart", "item" => "a")
      Array.new(10) { |item| Thread.new { 10.times { ann.dup.post(port, "/cart", "item" => "i#{item % 3}") } } }.each(&:join)
      assert_equal 101, ann.seen(port)["cart"].values.sum
    end
  end

  # The same visitor at two shops, in two languages.
  def test_the_shop_in_cpp_serves_the_same_visitors
    server = build_cpp_shop or skip "there is no C++ shop, or no compiler for it"
    pid = nil
    reader, writer = IO.pipe
    pid = Process.spawn(server, "--port", "0", url, out: writer)
    writer.close
    other = reader.gets[/:(\d+)$/, 1].to_i
    with_shop do |port|
      ann = Visitor.new
      ann.post(other, "/signin", "user" => "ann")
      ann.post(port, "/cart", "item" => "apples", "count" => "3")
      ann.post(other, "/cart", "item" => "apples")
      assert_equal [{ "cart" => { "apples" => 4 }, "user" => "ann" }] * 2, [ann.seen(port), ann.seen(other)]
      before = ann.cookie
      ann.post(port, "/signin", "user" => "Änn")
      refute_equal before, ann.cookie
      assert_equal [{ "cart" => { "apples" => 4 }, "user" => "Änn" }] * 2, [ann.seen(other), ann.seen(port)]
      late = ann.dup
      ann.post(port, "/signout")
      assert_equal [{ "cart" => {}, "user" => nil }] * 2, [late.seen(other), late.seen(port)]
    end
  ensure
    reader&.close
    stop(pid) if pid
  end

  def build_cpp_shop
    source = File.join(ROOT, "examples/server.cpp")
    return unless File.exist?(source) && File.exist?("/usr/include/httplib.h")

    httplib = `pkg-config --cflags --libs cpp-httplib`.split
    built = File.join(ROOT, "build/ruby-shop")
    out, status = Open3.capture2e("c++", "-std=c++17", "-O1", "-I#{ROOT}/include", "-I#{ROOT}/bindings/cpp",
                                  "-I#{ROOT}/bindings/cpp/include", source, "-o", built, "-L#{ROOT}/build/lib",
                                  "-llovely_session", "-Wl,-rpath,#{ROOT}/build/lib", *httplib, "-lpthread")
    assert_predicate status, :success?, out
    built
  end
end
