# frozen_string_literal: true

require "helper"
require "support/rack_app"

# What rack-session's suites of the session object and of the abstract store expect.
class RackSessionHashTest < Minitest::Test
  extend OnEveryStore
  include RackApp

  def setup
    @cookie = request { |session| session.update("foo" => "bar", "baz" => :qux, :x => { y: 1 }) }.cookie
  end

  def session(cookie = @cookie, &work)
    request(cookie, &work)
  end

  def test_reads_like_a_hash
    session do |it|
      assert_equal %w[baz foo x], it.keys
      assert_equal ["qux", "bar", { "y" => 1 }], it.values
      assert_equal "bar", it["foo"]
      assert_equal "bar", it[:foo]
      assert it.key?("foo")
      assert it.include?(:foo)
      refute it.has_key?("none") # rubocop:disable Style/PreferredHashMethods
      assert_equal 1, it.dig("x", "y")
      assert_nil it.dig("none", "y")
      assert_equal "bar", it.fetch("foo")
      assert_equal :default, it.fetch("none", :default)
      assert_equal "none!", it.fetch(:none) { |key| "#{key}!" }
      assert_raises(KeyError) { it.fetch("none") }
      refute_empty it
      assert_equal %w[baz foo x], it.map(&:first)
      assert_equal({ "baz" => "qux", "foo" => "bar", "x" => { "y" => 1 } }, it.to_hash)
      assert_equal it.to_hash.inspect, it.inspect
    end
  end

  def test_writes_like_a_hash
    session do |it|
      it[:new] = 1
      it.store("other", 2)
      assert_equal [1, 2, "bar", nil], [it["new"], it["other"], it.delete("foo"), it.delete("foo")]
      it.merge!("merged" => 3)
      assert_equal %w[baz merged new other x], it.keys
    end
    assert_equal({ "baz" => "qux", "merged" => 3, "new" => 1, "other" => 2, "x" => { "y" => 1 } }, content(@cookie))
    session { |it| it.replace("only" => { a: 1 }) }
    assert_equal({ "only" => { "a" => 1 } }, content(@cookie))
  end

  def test_text_that_is_changed_and_then_frozen_is_stored
    session { |it| it["foo"].concat("!").freeze }
    session { |it| (it["set"] = +"a").concat("b").freeze }
    session { |it| it["frozen"] = "c" }
    assert_equal %w[bar! ab c], content(@cookie).values_at("foo", "set", "frozen")
  end

  def test_its_copy_is_not_frozen_and_not_the_session
    session do |it|
      it.to_hash["stray"] = 1
      refute it.key?("stray")
    end
  end

  def test_what_was_assigned_is_what_is_read_in_the_same_request
    object = { a: [:b] }
    session do |it|
      it["object"] = object
      assert_same object, it["object"]
      assert_same object, it.to_hash["object"]
      assert_same it["foo"], it["foo"]
    end
  end

  def test_what_cannot_be_stored_is_refused_where_it_is_assigned
    session do |it|
      error = assert_raises(Lovely::TypeMismatch) { it["user"] = { "record" => Object.new } }
      assert_equal "user.record: Object cannot be stored", error.message
      refute it.key?("user")
    end
  end

  # Contract 1.1, 1.6.
  def test_a_session_that_is_only_looked_at_is_not_loaded_without_a_cookie
    assert_equal({ requests: 0, writes: 0 }, cost do
      answer = session(nil) do |it|
        assert_nil it["foo"]
        refute it.exists?
        refute_predicate it, :loaded?
        assert_empty it
        assert_empty it.to_hash
      end
      assert_nil answer.set_cookie
    end)
  end

  def test_a_request_that_does_not_touch_the_session_does_no_io
    assert_equal({ requests: 0, writes: 0 }, cost { session { |it| refute_predicate it, :loaded? } })
    assert_equal({ requests: 0, writes: 0 }, cost { session { |it| assert it.exists? } })
  end

  def test_a_request_that_changes_nothing_writes_nothing
    assert_equal({ requests: 1, writes: 0 }, cost { session { |it| it["foo"] } })
    assert_equal({ requests: 1, writes: 0 }, cost { session { |it| it.to_hash && it["foo"] = "bar" } })
    assert_equal({ requests: 1, writes: 0 }, cost { session { |it| it["x"] = { y: 1 } } })
    assert_equal({ requests: 2, writes: 1 }, cost { session { |it| it["x"]["y"] = 2 } })
  end

  def test_a_new_session_that_stays_empty_is_not_stored
    assert_equal({ requests: 0, writes: 0 }, cost { session(nil) { |it| (it["k"] = 1) && it.clear } })
    assert_equal({ requests: 1, writes: 0 }, cost { session("rack.session=bogus") { |it| it["foo"] } })
  end

  def test_a_session_that_is_cleared_keeps_its_id
    answer = session(&:clear)
    assert_equal @cookie, answer.cookie
    assert_empty content(@cookie)
    session { |it| it["again"] = 1 }
    assert_equal({ "again" => 1 }, content(@cookie))
  end

  def test_destroying_is_done_at_once_and_gives_a_new_id
    assert_raises(RuntimeError) do
      session do |it|
        id = it.id.public_id
        refute_equal id, it.destroy.public_id
        assert_empty it.to_hash
        raise "later"
      end
    end
    assert_empty content(@cookie)
  end

  def test_what_is_written_after_destroying_goes_to_a_new_session
    answer = session do |it|
      it.destroy
      it["new"] = 1
    end
    refute_equal @cookie, answer.cookie
    assert_equal({ "new" => 1 }, content(answer.cookie))
    assert_empty content(@cookie)
  end

  def test_destroying_costs_one_write_and_nothing_where_nothing_is
    assert_equal 1, cost { session(&:destroy) }[:writes]
    assert_equal({ requests: 0, writes: 0 }, cost { session(nil, &:destroy) })
    assert_equal({ requests: 0, writes: 0 }, cost do
                                               session(nil) do |_, env|
                                                 env["rack.session.options"][:drop] = true
                                               end
                                             end)
  end

  def test_destroying_with_renew_and_with_drop
    answer = session do |it, env|
      env["rack.session.options"][:renew] = true
      it.destroy
      it["new"] = 1
    end
    assert_equal({ "new" => 1 }, content(answer.cookie))
    assert_empty content(@cookie)
    cookie = answer.cookie
    answer = session(cookie) do |it, env|
      env["rack.session.options"][:drop] = true
      it.destroy
    end
    assert_nil answer.set_cookie
    assert_empty content(cookie)
  end

  def test_session_id_is_a_key_of_its_own
    session { |it| assert_equal @cookie, "rack.session=#{it["session_id"]}" }
  end

  def test_exists_asks_for_the_cookie_and_leaves_alone_what_was_loaded
    session do |it|
      it["k"] = 1
      assert it.exists?
      assert_equal 1, it["k"]
    end
    session(nil) do |it|
      refute it.exists?
      it["k"] = 1
      refute it.exists?
      assert_equal 1, it["k"]
    end
  end

  # Contract 5.4.
  def test_counts
    session do |it|
      assert_equal 1, it.increment(:n)
      assert_equal 4, it.increment("n", 3)
      assert_equal 3, it.decrement("n")
      it["set"] = 10
      assert_equal 11, it.increment("set")
      assert_equal 11, it["set"]
      assert_raises(Lovely::TypeMismatch) { it.increment("foo") }
    end
    assert_equal [3, 11], content(@cookie).values_at("n", "set")
  end

  # To Rack, nil is absent.
  def test_counts_what_was_set_to_nil_from_nothing
    session do |it|
      it["n"] = nil
      assert_equal 2, it.increment("n", 2)
      it["foo"] = nil
      assert_equal 1, it.increment("foo")
    end
    assert_equal [2, 1], content(@cookie).values_at("n", "foo")
  end

  def test_a_count_that_is_refused_leaves_what_is_changed_later
    session do |it|
      text = it["foo"]
      assert_raises(Lovely::TypeMismatch) { it.increment("foo") }
      text << "!"
    end
    assert_equal "bar!", content(@cookie)["foo"]
  end

  def test_other_packages_of_the_session_are_stored_with_it
    answer = session(nil) { |it| it.package("cart").increment("apples", 2) }
    session(answer.cookie) do |it|
      session(answer.cookie) { |quick| quick.package(:cart).increment("apples") }
      it.package("cart").increment("apples")
      it["user"] = "ann"
    end
    session(answer.cookie) do |it|
      assert_equal [4, "ann", ["user"]], [it.package("cart")["apples"], it["user"], it.keys]
    end
    assert_equal({ requests: 0, writes: 0 }, cost { session(nil) { |it| it.package("cart") } })
  end

  def test_an_earlier_session_of_the_environment_is_taken_over
    answer = request(nil, {}, env: { "rack.session" => { "from" => "outside" } }) { |it| it["k"] = 1 }
    assert_equal({ "from" => "outside", "k" => 1 }, content(answer.cookie))
  end

  def test_two_middlewares_with_containers_of_their_own_serve_one_request
    inner = middleware(container: "inner", key: "inner") do |env|
      env["rack.session"]["k"] = 1
      Rack::Response.new("x", 200, "Content-Type" => "text/plain").finish
    end
    answer = get(Rack::Session::Lovely.new(inner, store: store, container: "outer", key: "outer"))
    cookies = answer.set_cookie.lines.to_h { |line| line[/\A[^;]+/].split("=") }
    assert_equal %w[inner outer], cookies.keys.sort
    inner = Rack::Session::SessionId.new(cookies["inner"]).private_id
    assert_equal({ "rack" => { "k" => 1 } }, stored(inner, store.container("inner")))
  end

  # A body that is made while it is sent.
  def test_who_reads_after_the_response_sees_what_is_stored_and_who_writes_is_told
    late = nil
    answer = request { |it| (late = it) && it["k"] = "stored" }
    assert_equal "stored", late["k"]
    assert_equal({ "k" => "stored" }, content(answer.cookie))
    assert_equal ["k"], late.keys
    assert_raises(Lovely::Misuse) { late["k"] = 2 }
    assert_raises(Lovely::Misuse) { late.increment("n") }
  end

  # As a Set-Cookie of one middleware and a plain Hash of another do.
  def test_a_session_object_of_somebody_else_is_stored_too
    foreign = Class.new(Rack::Session::Abstract::PersistedSecure::SecureSessionHash)
    answer = request do |it, env|
      other = foreign.new(it.instance_variable_get(:@store), Rack::Request.new(env))
      env["rack.session"] = other
      other["k"] = [1]
    end
    assert_equal({ "k" => [1] }, content(answer.cookie))
    request(answer.cookie) do |it, env|
      env["rack.session"] = other = foreign.new(it.instance_variable_get(:@store), Rack::Request.new(env))
      other["k"] << 2
      other["n"] = nil
    end
    assert_equal({ "k" => [1, 2] }, content(answer.cookie))
  end
end
