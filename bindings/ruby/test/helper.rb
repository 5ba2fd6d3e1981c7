# frozen_string_literal: true

$LOAD_PATH.unshift(File.expand_path("../lib", __dir__), __dir__)
# What others' code warns about is not ours to repair.
module Warning
  def self.warn(message, *)
    raise message if message.include?("bindings/ruby/")

    $stderr.write(message) if message.start_with?("lovely-session")
  end
end

require "minitest/autorun"
require "lovely/session"
require "lovely/session/testing"
require "support/memcached"

# The root of the tree.
ROOT = File.expand_path("../../..", __dir__)

# For names that no other test uses.
NUMBERS = Thread::Queue.new((1..100_000).to_a)

# Every behaviour holds on every store: a test case that extends this is run on each.
module OnEveryStore
  def self.extended(test_case)
    test_case.include(Stores)
    on_memcached = Class.new(test_case) { define_method(:memcached?) { true } }
    test_case.const_set(:OnMemcached, on_memcached)
  end

  # What such a test case has.
  module Stores
    def memcached?
      false
    end

    # A URL that no other test uses.
    def new_url
      number = NUMBERS.pop(true)
      memcached? ? "#{Memcached.shared.url}/t#{Process.pid}-#{number}" : "memory://t#{number}"
    end

    def store
      @store ||= Lovely::Store.open(new_url)
    end

    def container(**options)
      @container ||= store.container("app", **options)
    end

    # How much longer a session may last there, where whole seconds are counted (contract 4.1).
    def slack
      memcached? ? 2 : 0
    end

    def transaction(**options, &block)
      store.transaction(**options, &block)
    end

    # What is stored, as a new transaction reads it.
    def stored(id, in_container = container)
      transaction { |tx| tx.session(in_container, id).to_h }
    end
  end
end
