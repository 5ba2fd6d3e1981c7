# frozen_string_literal: true

require "helper"
require "support/rack_app"

# Contract 6, at the middleware: an outage is never silent, and never overwrites what is stored.
class RackOutageTest < Minitest::Test
  include RackApp

  FLAGGED = { on_unavailable: :empty_flagged }.freeze

  def store
    @store ||= Lovely::Store.open("memory://outage-#{object_id}", commit_timeout: 0.05)
  end

  def setup
    @cookie = request { |session| session["user"] = "ann" }.cookie
  end

  def away(kind = :unavailable, **options, &block)
    Lovely::Testing.fault(store, kind, **options, &block)
  end

  def test_by_default_it_raises_where_the_session_is_touched
    away do
      request(@cookie) { |session| assert_raises(Lovely::Unavailable) { session["user"] } }
      assert_raises(Lovely::Unavailable) { request(@cookie) { |session| session["user"] } }
      assert_equal 200, request(@cookie) { "not touched" }.status
    end
    assert_equal "ann", content(@cookie)["user"]
  end

  def test_touching_it_again_tries_again
    request(@cookie) do |session|
      away { assert_raises(Lovely::Unavailable) { session["user"] } }
      assert_equal "ann", session["user"]
    end
  end

  def test_by_default_a_commit_that_fails_raises
    away(operations: :write) do
      assert_raises(Lovely::Unavailable) { request(@cookie) { |session| session["user"] = "bob" } }
      assert_raises(Lovely::Unavailable) { request { |session| session["user"] = "bob" } }
    end
    assert_equal "ann", content(@cookie)["user"]
  end

  def test_flagged_it_reads_as_empty_and_says_so
    %i[unavailable timeout].each do |kind|
      away(kind) do
        answer = request(@cookie, FLAGGED) do |session, env|
          assert_predicate session, :unavailable?
          assert_kind_of Lovely::Error, env["rack.session.lovely.unavailable"]
          assert_nil session["user"]
          assert_empty session
          session["user"] = "stranger"
          session["user"]
        end
        assert_equal [200, '"stranger"', @cookie], [answer.status, answer.body, answer.cookie]
        assert_match(/Content dropped/, answer.errors)
        assert_nil answer.set_cookie
      end
      assert_equal "ann", content(@cookie)["user"]
    end
    request(@cookie, FLAGGED) { |session| refute_predicate session, :unavailable? }
  end

  def test_flagged_a_commit_that_fails_is_said_to_be_dropped
    %i[unavailable timeout].each do |kind|
      away(kind, operations: :write) do
        assert_match(/Content dropped/, request(@cookie, FLAGGED) { |session| session["n"] = kind.to_s }.errors)
        assert_match(/Content dropped/, request(nil, FLAGGED) { |session| session["n"] = 1 }.errors)
        env = nil
        request(nil, FLAGGED) { |session, its| session["n"] = 1 and env = its }
        assert_kind_of Lovely::Error, env["rack.session.lovely.unavailable"]
      end
    end
  end

  def test_signing_out_is_never_said_to_be_done_if_it_was_not
    away do
      assert_raises(Lovely::Unavailable) { request(@cookie, FLAGGED, &:destroy) }
      assert_raises(Lovely::Unavailable) { request(@cookie, FLAGGED) { |session| session["user"] || session.destroy } }
    end
    assert_equal "ann", content(@cookie)["user"]
  end

  def test_only_known_answers_to_an_outage
    assert_raises(Lovely::InvalidArgument) { middleware(on_unavailable: :ignore) }
  end
end
