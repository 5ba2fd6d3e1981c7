# frozen_string_literal: true

require "helper"
require "logger"
require "rails"
require "active_support/core_ext/integer/time"
require "action_controller/railtie"
require "lovely/session/railtie"
require "support/rack_app"

# A real, if small, Rails application.
class RailsApp < Rails::Application
  config.eager_load = false
  config.secret_key_base = "x" * 64
  config.logger = Logger.new(nil)
  config.hosts.clear if config.respond_to?(:hosts)
  config.consider_all_requests_local = true
  config.action_dispatch.show_exceptions = false
  config.session_store :lovely_store, key: "_app_session", store: "memory://rails", expire_after: 1.hour
  routes.append do
    %w[set get cart id reset renew drop merge flash_set flash_get increment count recount uncount settle token form
       login].each do |action|
      match action, to: "session##{action}", via: %i[get post]
    end
  end
end

class SessionController < ActionController::Base
  protect_from_forgery with: :exception, only: :form

  def cart = render(plain: session.package("cart").increment("apples").to_s)
  def set = (session[:foo] = params[:value] || "bar") && head(:ok)
  def get = render(plain: "foo: #{session[:foo].inspect}")
  def id = render(plain: session.id.public_id)
  def increment = render(plain: session.increment(:count).to_s)
  def count = render(plain: session[:count].inspect)
  def recount = (session[:count] = params[:text] || 10) && increment
  def uncount = session.delete(:count) && increment
  def settle = session.increment(:count) && (session[:count] = session[:count].to_f) && head(:ok)
  def flash_set = redirect_to("/flash_get", notice: "saved")
  def flash_get = render(plain: flash[:notice].inspect)
  def token = render(plain: form_authenticity_token)
  def form = head(:ok)
  def merge = session.merge!(foo: "merged") && head(:ok)

  def reset
    reset_session
    session[:after] = "reset" if params[:write]
    head :ok
  end

  def login
    value = session[:foo]
    reset_session
    session[:user] = value
    head :ok
  end

  def renew
    request.session_options[:renew] = true
    session[:foo] = "renewed"
    head :ok
  end

  def drop
    request.session_options[:drop] = true
    head :ok
  end
end

RailsApp.initialize!

# What Rails' own suites of its memcached and cache stores expect, by the names that the cases have there.
class RailsTest < Minitest::Test
  def setup
    @jar = {}
  end

  def store = Lovely::Store.open("memory://rails")

  def visit(path, jar: @jar, **options)
    cookie = jar.map { |pair| pair.join("=") }.join("; ")
    response = Rack::MockRequest.new(RailsApp).request(options.delete(:method) || "GET", path,
                                                       { "HTTP_COOKIE" => cookie }.merge(options))
    Array(response.headers["Set-Cookie"]).flat_map { |header| header.split("\n") }.each do |header|
      name, value = header[/\A[^;]+/].split("=", 2)
      jar[name] = value
    end
    response
  end

  def body(...) = visit(...).body
  def sid = @jar["_app_session"]

  def test_the_store_is_found_by_its_name
    assert_equal ActionDispatch::Session::LovelyStore, RailsApp.config.session_store
    assert_operator ActionDispatch::Session::LovelyStore, :<, ActionDispatch::Session::AbstractSecureStore
  end

  def test_setting_and_getting_session_value
    assert_equal "foo: nil", body("/get")
    assert_nil sid, "a session is not created on read"
    visit("/set")
    assert_match(/\A\h{32}\z/, sid)
    assert_equal 'foo: "bar"', body("/get")
  end

  # Rails leaves the Symbols as they are.
  def test_merging_symbols
    visit("/merge")
    assert_equal 'foo: "merged"', body("/get")
  end

  def test_getting_nil_session_value
    visit("/set?value=")
    visit("/reset")
    assert_equal "foo: nil", body("/get")
  end

  def test_the_cookie_is_that_of_rails
    header = visit("/set").headers["Set-Cookie"]
    assert_match(%r{\A_app_session=\h{32}; path=/; expires=.*; HttpOnly}, header)
  end

  def test_getting_session_value_after_session_reset
    visit("/set")
    before = sid
    visit("/reset")
    assert_equal "foo: nil", body("/get")
    refute_equal before, sid
    @jar["_app_session"] = before
    assert_equal "foo: nil", body("/get")
  end

  def test_session_id
    visit("/set")
    assert_equal sid, body("/id")
    assert_equal sid, body("/id")
  end

  def test_login_gives_a_new_id_and_keeps_what_it_is_told_to
    visit("/set?value=ann")
    before = sid
    visit("/login")
    refute_equal before, sid
    assert_equal "foo: nil", body("/get")
    visit("/reset?write=1")
    assert_equal "foo: nil", body("/get")
  end

  def test_prevents_session_fixation
    @jar["_app_session"] = "0xhax"
    visit("/set")
    refute_equal "0xhax", sid
    assert_equal 'foo: "bar"', body("/get")
    @jar["_app_session"] = "0xhax"
    assert_equal "foo: nil", body("/get")
  end

  def test_expire_after
    visit("/set")
    Lovely::Testing.advance_clock(store, 3590)
    assert_equal 'foo: "bar"', body("/get")
    Lovely::Testing.advance_clock(store, 3601)
    assert_equal "foo: nil", body("/get")
  end

  def test_renew_keeps_the_data_under_a_new_id
    visit("/set")
    before = sid
    visit("/renew")
    refute_equal before, sid
    assert_equal 'foo: "renewed"', body("/get")
    @jar["_app_session"] = before
    assert_equal "foo: nil", body("/get")
  end

  def test_drop
    visit("/set")
    visit("/drop")
    assert_equal "foo: nil", body("/get")
  end

  def test_flash
    visit("/flash_set")
    assert_equal '"saved"', body("/flash_get")
    assert_equal "nil", body("/flash_get")
  end

  def test_forgery_protection
    token = body("/token")
    assert_raises(ActionController::InvalidAuthenticityToken) { visit("/form", method: "POST") }
    assert_equal 200, visit("/form", method: "POST", params: { "authenticity_token" => token }).status
    assert_raises(ActionController::InvalidAuthenticityToken) do
      visit("/form", method: "POST", params: { "authenticity_token" => token }, jar: {})
    end
  end

  # Contract 5.4.
  def test_no_increment_is_lost
    assert_equal "1", body("/increment")
    threads = Array.new(5) { Thread.new { 20.times { visit("/increment", jar: @jar.dup) } } }
    threads.each(&:join)
    assert_equal "101", body("/count")
  end

  # Contract 5.4: set then delta is a set of the sum, delete then delta one of the delta, and text has none.
  def test_an_increment_counts_from_what_the_request_did_before
    assert_equal %w[1 11 11 12], %w[/increment /recount /count /increment].map { |path| body(path) }
    assert_equal %w[1 1], %w[/uncount /count].map { |path| body(path) }
    assert_raises(Lovely::TypeMismatch) { visit("/recount?text=many") }
    assert_equal "1", body("/count")
    visit("/settle")
    assert_equal "2.0", body("/count")
  end

  def test_other_packages_of_the_session
    assert_equal(%w[1 2], Array.new(2) { body("/cart") })
    assert_equal "foo: nil", body("/get")
  end

  # Contract 1.7.
  def test_a_request_that_changes_nothing_writes_nothing
    visit("/set")
    before = store.stats[:writes]
    visit("/get")
    visit("/id")
    assert_equal before, store.stats[:writes]
  end
end
