# frozen_string_literal: true

require "helper"
require "digest"
require "logger"
require "rails"
require "action_controller/railtie"
require "lovely/session/railtie"
require "support/rack_app"

# A session whose stored bytes cannot be read (contract 6.5): an error, never an empty session; and it can be destroyed.
class RackDamagedTest < Minitest::Test
  include RackApp

  DAMAGED = "no record"
  private_constant :DAMAGED

  def setup
    @name = "damaged#{NUMBERS.pop(true)}"
    @cookie = request { |session| session["user"] = "ann" }.cookie
    damage(@cookie)
  end

  def store
    @store ||= Lovely::Store.open("#{Memcached.shared.url}/#{@name}")
  end

  def damage(cookie)
    sid = Rack::Session::SessionId.new(cookie[/=(.*)/, 1])
    @key = "#{@name}/rack/#{[Digest::SHA256.digest(sid.private_id)].pack("m0").tr("+/", "-_").delete("=")}"
    assert_equal "HD", memcached("ms #{@key} #{DAMAGED.size}\r\n#{DAMAGED}")
  end

  def memcached(command)
    Socket.tcp("127.0.0.1", Memcached.shared.port) do |socket|
      socket.write("#{command}\r\n")
      socket.gets.chomp
    end
  end

  # An application of Rails, as far as sessions go.
  def rails(cookie, &work)
    app = ActionDispatch::Session::LovelyStore.new(lambda do |env|
      [200, {}, [work.call(ActionDispatch::Request.new(env)).inspect]]
    end, store: store, key: "rack.session", cookie_only: true)
    env = Rack::MockRequest.env_for("/", "HTTP_COOKIE" => cookie)
    set = ActionDispatch::Cookies.new(app).call(env)[1]["Set-Cookie"]
    set ? set[/\A[^;]+/] : cookie
  end

  def test_reading_and_writing_is_an_error_and_leaves_what_is_stored
    assert_raises(Lovely::Corrupt) { request(@cookie) { |session| session["user"] } }
    assert_raises(Lovely::Corrupt) { request(@cookie) { |session| session["user"] = "bob" } }
    assert_raises(Lovely::Corrupt) { rails(@cookie) { |request| request.session["user"] = "bob" } }
    assert_equal "VA #{DAMAGED.size}", memcached("mg #{@key} v")
  end

  def test_destroying_it_gives_a_new_one
    cookie = request(@cookie) { |session| session.destroy && session["user"] = "bob" }.cookie
    refute_equal @cookie, cookie
    assert_equal({ "user" => "bob" }, content(cookie))
    assert_empty content(@cookie)
  end

  def test_resetting_it_in_rails_gives_a_new_one
    cookie = rails(@cookie) do |request|
      request.reset_session
      request.session["user"] = "bob"
    end
    refute_equal @cookie, cookie
    assert_equal({ "user" => "bob" }, content(cookie))
    assert_empty content(@cookie)
  end
end
