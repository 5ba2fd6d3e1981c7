# frozen_string_literal: true

require "helper"

class PackageTest < Minitest::Test
  extend OnEveryStore

  def in_package(id = "s")
    transaction { |tx| yield tx.session(container, id)["cart"] }
  end

  def test_reads_and_writes_like_a_hash
    in_package do |cart|
      cart["items"] = 3
      cart[:user] = "ann"
      assert_equal 3, cart["items"]
      assert_equal "ann", cart["user"]
      assert_equal 2, cart.size
      refute_empty cart
      assert_equal %w[items user], cart.keys
      assert_equal [3, "ann"], cart.values
      assert_equal [["items", 3], %w[user ann]], cart.to_a
      assert_equal({ "items" => 3, "user" => "ann" }, cart.to_h)
      assert_equal 3, cart.delete("items")
      assert_nil cart.delete("items")
      assert_nil cart["items"]
      assert_empty cart.clear
    end
  end

  # Contract 1.4.
  def test_null_is_a_value_and_differs_from_absent
    in_package do |cart|
      cart["null"] = nil
      assert cart.key?("null")
      refute cart.key?("absent")
      assert_nil cart.fetch("null")
      error = assert_raises(KeyError) { cart.fetch("absent") }
      assert_equal "absent", error.key
      assert_equal 1, cart.fetch("absent", 1)
      assert_nil cart.fetch("absent", nil)
      assert_equal "absent!", cart.fetch("absent") { |key| "#{key}!" }
    end
  end

  def test_digs_into_lists_and_maps
    in_package do |cart|
      cart["tree"] = { "a" => [1, { "b" => 2 }] }
      assert_equal 2, cart.dig("tree", "a", 1, "b")
      assert_nil cart.dig("none", "a")
      assert_equal({ "a" => [1, { "b" => 2 }] }, cart["tree"])
      assert_equal 2, cart.session.dig("cart", "tree", "a", 1, "b")
      assert_nil cart.session.dig("none", "x")
    end
  end

  def test_update_sets_keys_and_replace_deletes_the_others
    in_package do |cart|
      cart.update("a" => 1, b: [2])
      assert_equal({ "a" => 1, "b" => [2] }, cart.to_h)
      cart.replace("b" => 3)
      assert_equal({ "b" => 3 }, cart.to_h)
      cart.session["cart"] = { "c" => 4 }
      assert_equal({ "c" => 4 }, cart.to_h)
      assert_raises(Lovely::TypeMismatch) { cart.update([1]) }
      assert_match(/\Ax\.y: Object/, assert_raises(Lovely::TypeMismatch) do
                                       cart.update("x" => { "y" => Object.new })
                                     end.message)
      assert_equal({ "c" => 4 }, cart.to_h)
    end
  end

  def test_change_sets_a_changed_copy
    in_package do |cart|
      cart.change("list", []) { |list| list << "a" }
      cart.change("list") { |list| list << "b" }
      assert_equal %w[a b], cart["list"]
    end
    assert_equal({ "cart" => { "list" => %w[a b] } }, stored("s"))
  end

  def test_a_copy_of_the_package_is_the_callers
    in_package do |cart|
      cart["list"] = [1]
      cart.to_h["list"] << 2
      assert_equal [1], cart["list"]
    end
  end

  # Contract 5.4.
  def test_increments
    in_package do |cart|
      assert_equal 1, cart.increment("n")
      assert_equal 6, cart.increment("n", 5)
      assert_equal 4, cart.decrement("n", 2)
      cart["text"] = "t"
      assert_raises(Lovely::TypeMismatch) { cart.increment("text") }
      assert_raises(Lovely::TypeMismatch) { cart.increment("n", 1.5) }
      cart["max"] = (2**63) - 1
      assert_raises(Lovely::OutOfRange) { cart.increment("max") }
      assert_raises(Lovely::OutOfRange) { cart.increment("n", 2**63) }
      assert_equal 4, cart["n"]
    end
  end

  def test_keys_are_text
    in_package do |cart|
      cart["é\u0000"] = 1
      assert_equal ["é\u0000"], cart.keys
      assert_raises(Lovely::InvalidArgument) { cart["\xFF"] = 1 }
      assert_raises(Lovely::TooLarge) { cart["k" * 65_536] = 1 }
      assert_raises(Lovely::TypeMismatch) { cart[1] = 1 }
      assert_raises(Lovely::TypeMismatch) { cart[nil] }
    end
  end

  def test_looks_at_packages_without_making_them
    transaction do |tx|
      session = tx.session(container, "s")
      assert_nil session.peek("none")
      refute session.key?("none")
      assert_raises(KeyError) { session.fetch("none") }
      assert_equal 7, session.fetch("none", 7)
      assert_equal "none", session.fetch("none", &:itself)
      assert_empty session
      session["one"]["k"] = 1
      assert_equal 1, session.peek("one")["k"]
      assert_equal session["one"], session.fetch("one")
      assert_equal ["one"], session.keys
      assert_equal [["one", 1]], session.map { |name, package| [name, package["k"]] }
      assert session.delete("one")
      refute session.delete("one")
      session["two"]["k"] = 1
      assert_empty session.clear
    end
  end

  def test_handles_of_the_same_are_equal
    transaction do |tx|
      session = tx.session(container, "s")
      assert_equal session, tx.session(container, "s")
      assert_equal session["a"], session["a"]
      assert_equal [session["a"]], [session["a"], session["a"]].uniq
      refute_equal session["a"], session["b"]
      refute_equal session, tx.session(container, "t")
    end
  end

  def test_nothing_of_the_content_is_shown_by_inspect
    in_package("the-secret-id") do |cart|
      cart["hush"] = "hush"
      refute_match(/hush|secret/, [cart, cart.session, cart.session.transaction].inspect)
    end
  end
end
