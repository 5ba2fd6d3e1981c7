# frozen_string_literal: true

require "helper"
require "support/rack_app"

# What rack-session's own suites expect of a store, by the names that the cases have there.
class RackPoolTest < Minitest::Test
  extend OnEveryStore
  include RackApp

  INCREMENTOR = lambda do |env|
    env["rack.session"]["counter"] ||= 0
    env["rack.session"]["counter"] += 1
    Rack::Response.new(env["rack.session"].to_hash.inspect, 200, "Content-Type" => "text/plain").finish
  end

  def pool(options = {}, app = INCREMENTOR)
    Rack::Session::Lovely.new(app, { store: store }.merge(options))
  end

  # Sets an option of this request, as an application does.
  def with(option)
    lambda do |env|
      env["rack.session.options"][option] = true
      INCREMENTOR.call(env)
    end
  end

  def test_creates_a_new_cookie
    answer = get(pool)
    assert_match(%r{\Arack\.session=[0-9a-f]{32,}; path=/; HttpOnly}, answer.set_cookie)
    assert_equal '{"counter"=>1}', answer.body
  end

  def test_determines_session_from_a_cookie
    cookie = get(pool).cookie
    assert_equal '{"counter"=>2}', get(pool, cookie).body
    assert_equal '{"counter"=>3}', get(pool, cookie).body
  end

  def test_survives_nonexistent_cookies_and_does_not_adopt_their_ids
    answer = get(pool, "rack.session=blarghfasel")
    assert_equal '{"counter"=>1}', answer.body
    refute_match(/blarghfasel/, answer.set_cookie)
  end

  def test_survives_broken_and_blank_cookies
    ["rack.session=", "rack.session=%FF%FE", "rack.session=\xFF".b, "rack.session=%00", "rack.session=#{"x" * 2_000_000}",
     "=", ";;;", "rack.session=a=b=c"].each do |cookie|
      %i[private public fallback].each do |ids|
        answer = get(pool(ids: ids), cookie)
        assert_equal [200, '{"counter"=>1}'], [answer.status, answer.body]
        assert_match(/\Arack\.session=[0-9a-f]{64};/, answer.set_cookie)
      end
    end
  end

  def test_does_not_send_the_same_session_id_if_it_did_not_change
    cookie = get(pool).cookie
    assert_nil get(pool, cookie).set_cookie
    assert_nil get(pool, cookie).set_cookie
  end

  def test_deletes_cookies_with_drop
    cookie = get(pool).cookie
    dropped = get(pool({}, with(:drop)), cookie)
    assert_nil dropped.set_cookie
    assert_equal '{"counter"=>2}', dropped.body
    answer = get(pool, cookie)
    assert_equal '{"counter"=>1}', answer.body
    refute_equal cookie, answer.cookie
  end

  def test_provides_new_session_id_with_renew
    cookie = get(pool).cookie
    renewed = get(pool({}, with(:renew)), cookie)
    refute_equal cookie, renewed.cookie
    assert_equal '{"counter"=>2}', renewed.body
    assert_equal '{"counter"=>3}', get(pool, renewed.cookie).body
    assert_equal '{"counter"=>1}', get(pool, cookie).body
  end

  def test_renews_a_session_that_the_request_did_not_touch
    cookie = get(pool).cookie
    renewed = request(cookie) { |_, env| env["rack.session.options"][:renew] = true }
    refute_equal cookie, renewed.cookie
    assert_equal({ "counter" => 1 }, content(renewed.cookie))
    assert_empty content(cookie)
  end

  def test_a_renewal_that_is_skipped_leaves_the_session_alone
    cookie = get(pool).cookie
    answer = request(cookie) { |_, env| env["rack.session.options"].update(renew: true, skip: true) }
    assert_equal cookie, answer.cookie
    assert_equal({ "counter" => 1 }, content(cookie))
  end

  def test_omits_cookie_with_defer_but_still_updates_the_state
    cookie = get(pool).cookie
    answer = get(pool({}, with(:defer)), cookie)
    assert_nil answer.set_cookie
    assert_equal '{"counter"=>3}', get(pool, cookie).body
    assert_nil get(pool({}, with(:defer))).set_cookie
  end

  def test_omits_cookie_and_state_update_with_skip
    cookie = get(pool).cookie
    answer = get(pool({}, with(:skip)), cookie)
    assert_nil answer.set_cookie
    assert_equal '{"counter"=>2}', get(pool, cookie).body
  end

  def test_stores_only_the_private_id
    answer = get(pool)
    sid = Rack::Session::SessionId.new(answer.id)
    rack = store.container("rack")
    transaction do |tx|
      assert tx.session?(rack, sid.private_id)
      refute tx.session?(rack, sid.public_id)
      assert_equal({ "rack" => { "counter" => 1 } }, tx.session(rack, sid.private_id).to_h)
    end
  end

  def test_the_public_id_is_what_others_share_if_that_is_wanted
    answer = get(pool(ids: :public, package: "shop", container: "shared"))
    shared = store.container("shared")
    assert_equal({ "shop" => { "counter" => 1 } }, stored(answer.id, shared))
    assert_empty content(answer.cookie, container: "shared", package: "shop")
    assert_equal({ "counter" => 1 }, content(answer.cookie, ids: :fallback, container: "shared", package: "shop"))
    request(answer.cookie, ids: :fallback, container: "shared", package: "shop", &:destroy)
    assert_empty stored(answer.id, shared)
    assert_raises(Lovely::InvalidArgument) { pool(ids: :maybe) }
  end

  # anyone
  def test_multithread_safe
    cookie = request { |session| session["counter"] = 0 }.cookie
    app = pool({}, lambda do |env|
      session = env["rack.session"]
      session["t#{session.increment("counter")}-#{rand}"] = true
      [200, { "Content-Type" => "text/plain" }, []]
    end)
    answers = Array.new(10) { Thread.new { Array.new(10) { get(app, cookie) } } }.flat_map(&:value)
    assert_equal [200], answers.map(&:status).uniq
    assert_empty answers.filter_map(&:set_cookie)
    assert_equal 101, content(cookie).size
    assert_equal 100, content(cookie)["counter"]
  end
end

# The same for Dalli's Rack::Session::Dalli.
class RackDalliTest < Minitest::Test
  extend OnEveryStore
  include RackApp

  def test_faults_on_no_connection
    app = Rack::Session::Lovely.new(->(env) { env["rack.session"]["k"] = 1 }, store: "memcached://127.0.0.1:1")
    assert_raises(Lovely::Unavailable) { get(app, "rack.session=x") }
  end

  def test_upholds_the_options_of_the_cookie
    answer = request(nil, key: "other", path: "/p", domain: "example.com", secure: false, httponly: false, same_site: :strict,
                          expire_after: 3600, sidbits: 256) do |session|
      session["k"] = 1
    end
    assert_match(%r{\Aother=[0-9a-f]{128}; domain=example\.com; path=/p; expires=.*; SameSite=Strict},
                 answer.set_cookie)
  end

  def test_params_are_looked_at_only_if_they_may_be
    cookie = request { |session| session["k"] = 1 }.cookie
    query = { "QUERY_STRING" => cookie, "rack.input" => StringIO.new("".b) }
    read = ->(options) { request(nil, options, env: query) { |session| session["k"] }.body }
    assert_equal "nil", read.call({})
    assert_equal "1", read.call({ cookie_only: false })
  end

  def test_a_param_that_is_no_text_is_no_id
    %w[[]=x [a]=x [][a]=x].each do |param|
      query = { "QUERY_STRING" => "rack.session#{param}", "rack.input" => StringIO.new("".b) }
      %i[private public fallback].each do |ids|
        answer = request(nil, { cookie_only: false, ids: ids }, env: query) { |session| session["k"] = 1 }
        assert_equal [200, "1"], [answer.status, content(answer.cookie, ids: ids)["k"].inspect]
      end
    end
  end

  def test_a_secure_session_is_not_sent_in_the_clear
    assert_nil request(nil, secure: true) { |session| session["k"] = 1 }.set_cookie
    assert_match(/secure/, request(nil, { secure: true }, env: { "HTTPS" => "on" }) do |session|
                             session["k"] = 1
                           end.set_cookie)
  end

  def test_provides_new_session_id_if_the_session_expired
    cookie = request(nil, expire_after: 3) { |session| session["k"] = 1 }.cookie
    Lovely::Testing.advance_clock(store, 2)
    assert_equal "1", request(cookie, expire_after: 3) { |session| session["k"] }.body
    Lovely::Testing.advance_clock(store, 2)
    assert_equal "1", request(cookie, expire_after: 3) { |session| session["k"] }.body
    Lovely::Testing.advance_clock(store, 4 + slack)
    answer = request(cookie, expire_after: 3) { |session| session["k"] }
    assert_equal "nil", answer.body
    refute_equal cookie, answer.cookie
  end

  def test_a_cookie_that_expires_is_sent_again_with_every_response
    { expire_after: 3600, max_age: 3600 }.each do |name, seconds|
      cookie = request(nil, name => seconds) { |session| session["k"] = 1 }.cookie
      answer = request(cookie, name => seconds) { |session| session["k"] }
      assert_match(/\A#{cookie};.*expires=/, answer.set_cookie)
      assert_nil request(cookie) { |session| session["k"] }.set_cookie
    end
  end

  def test_expire_after_of_one_request_is_the_sessions_own
    options = { timeout: 100, max_timeout: 1000 }
    cookie = request(nil, options) do |session, env|
      session["k"] = 1
      env["rack.session.options"][:expire_after] = 500
    end.cookie
    Lovely::Testing.advance_clock(store, 400)
    assert_equal "1", request(cookie, options) { |session| session["k"] }.body
    Lovely::Testing.advance_clock(store, 400)
    assert_equal "1", request(cookie, options) { |session| session["k"] }.body
    Lovely::Testing.advance_clock(store, 501 + slack)
    assert_equal "nil", request(cookie, options) { |session| session["k"] }.body
    assert_raises(Lovely::OutOfRange) do
      request(nil, options) { |session, env| session["k"] = 1 and env["rack.session.options"][:expire_after] = 5000 }
    end
  end

  def test_deep_hashes_are_loaded_and_changes_inside_are_noticed
    hash = { "a" => { "b" => { "c" => [1, { "d" => "e" }] } } }
    cookie = request { |session| session["deep"] = hash }.cookie
    assert_equal hash, content(cookie)["deep"]
    request(cookie) { |session| session["deep"]["a"]["b"]["c"][1]["d"] << "f" }
    assert_equal "ef", content(cookie).dig("deep", "a", "b", "c", 1, "d")
    request(cookie) { |session| session.fetch("deep")["x"] = 1 }
    request(cookie) { |session| session.each { |_, value| value["y"] = 2 } }
    request(cookie) { |session| session.dig("deep", "a")["z"] = 3 }
    assert_equal [1, 2, 3], content(cookie)["deep"].then { |deep| [deep["x"], deep["y"], deep["a"]["z"]] }
  end

  def test_a_string_changed_in_place_is_noticed
    cookie = request { |session| session["s"] = +"a" }.cookie
    request(cookie) { |session| session["s"] << "b" }
    assert_equal "ab", content(cookie)["s"]
    kept = nil
    request(cookie) { |session| (session["list"] = kept = []) && (kept << 1) }
    assert_equal [1], content(cookie)["list"]
  end

  def test_does_not_allow_session_ids_to_be_reused
    cookie = request { |session| session["k"] = 1 }.cookie
    request(cookie) { |_, env| env["rack.session.options"][:drop] = true }
    answer = request(cookie) { |session| session["k"] = 2 }
    refute_equal cookie, answer.cookie
    assert_empty content(cookie)
  end

  def test_nil_is_absent
    cookie = request { |session| session.update("gone" => nil, "kept" => 1, "other" => 2) }.cookie
    assert_equal({ "kept" => 1, "other" => 2 }, content(cookie))
    request(cookie) { |session| session["kept"] = nil }
    assert_equal({ "other" => 2 }, content(cookie))
  end
end
