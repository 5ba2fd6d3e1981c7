# frozen_string_literal: true

require "helper"
require "support/rack_app"

# Two requests of one visitor at the same time: what Dalli's store loses. The order is given, not left to chance: a
# request is stopped in the middle by running another one inside it.
class RackRacesTest < Minitest::Test
  extend OnEveryStore
  include RackApp

  def setup
    @cookie = request { |session| session.update("user" => "ann", "a" => 0, "list" => [0]) }.cookie
  end

  def test_a_slow_reader_beside_a_writer_loses_nothing
    answer = request(@cookie) do |slow|
      slow["user"]
      request(@cookie) { |quick| quick["a"] = 1 }
      slow["a"]
    end
    assert_equal "0", answer.body, "a snapshot (contract 1.5)"
    assert_equal 1, content(@cookie)["a"]
  end

  def test_a_slow_reader_beside_a_logout_gets_its_answer_and_stays_logged_out
    answer = request(@cookie) do |slow|
      slow["user"]
      request(@cookie, &:destroy)
      slow["user"]
    end
    assert_equal [200, '"ann"', ""], [answer.status, answer.body, answer.errors]
    assert_empty content(@cookie)
  end

  def test_a_slow_writer_beside_a_logout_is_told_and_stays_logged_out
    answer = request(@cookie) do |slow|
      slow["a"] = 2
      request(@cookie) { |_, env| env["rack.session.options"][:drop] = true }
    end
    assert_equal 200, answer.status
    assert_match(/Content dropped/, answer.errors)
    assert_nil answer.set_cookie
    assert_empty content(@cookie)
  end

  def test_a_slow_writer_beside_a_renewal_does_not_bring_the_old_id_back
    renewed = nil
    request(@cookie) do |slow|
      slow["a"] = 2
      renewed = request(@cookie) do |session, env|
        (session["user"] = "ann") && env["rack.session.options"][:renew] = true
      end
    end
    assert_empty content(@cookie)
    assert_equal "ann", content(renewed.cookie)["user"]
  end

  def test_two_writers_of_different_keys_are_both_kept
    request(@cookie) do |slow|
      slow["a"] = 1
      request(@cookie) { |quick| quick["b"] = 2 }
    end
    assert_equal [1, 2], content(@cookie).values_at("a", "b")
  end

  def test_a_renewal_takes_along_what_another_request_wrote_meanwhile
    answer = request(@cookie) do |slow, env|
      slow["a"] = 1
      env["rack.session.options"][:renew] = true
      request(@cookie) { |quick| quick["b"] = 2 }
    end
    assert_equal [1, 2, "ann"], content(answer.cookie).values_at("a", "b", "user")
    assert_empty content(@cookie)
  end

  def test_reading_a_value_that_could_be_changed_is_no_change
    request(@cookie) do |slow|
      slow["list"]
      slow["user"]
      slow["a"] = 1
      request(@cookie) { |quick| quick.update("list" => [0, 1], "user" => "bob") }
    end
    assert_equal [1, "bob", [0, 1]], content(@cookie).values_at("a", "user", "list")
  end

  # Contract 5.3; the default of an adapter, which cannot run a request again, is that the later commit wins.
  def test_the_same_key_is_decided_by_the_policy
    race = lambda do |options|
      request(@cookie, options) do |slow|
        slow["a"] = "slow#{rand}"
        request(@cookie, options) { |quick| quick["a"] = "quick#{rand}" }
      end
      content(@cookie)["a"]
    end
    assert_match "slow", race.call({})
    assert_raises(Lovely::Conflict) { race.call({ on_conflict: :merge }) }
    assert_raises(Lovely::Conflict) { race.call({ on_conflict: :strict }) }
    store.container("rack", on_conflict: :mine)
  end

  # Contract 5.4.
  def test_no_increment_is_lost
    request(@cookie) do |slow|
      assert_equal 1, slow.increment("a")
      request(@cookie) { |quick| quick.increment("a", 5) }
      assert_equal 2, slow.increment("a")
    end
    assert_equal 7, content(@cookie)["a"]
  end

  # Contract 5.6.
  def test_an_evicted_session_is_stored_anew_only_if_that_is_wanted
    key = Rack::Session::SessionId.new(@cookie.delete_prefix("rack.session=")).private_id
    race = lambda do |options|
      request(@cookie, options) do |slow|
        slow["a"] = 1
        Lovely::Testing.evict(store.container("rack"), key)
      end
    end
    assert_match(/Content dropped/, race.call({}).errors)
    assert_empty content(@cookie)
    @cookie = request { |session| session["user"] = "ann" }.cookie
    key = Rack::Session::SessionId.new(@cookie.delete_prefix("rack.session=")).private_id
    assert_empty race.call({ recreate: true }).errors
    assert_equal({ "a" => 1, "user" => "ann" }, content(@cookie))
  end
end
