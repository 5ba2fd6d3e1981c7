# frozen_string_literal: true

require_relative "session/version"
require_relative "session/error"
require_relative "session/native"
require_relative "session/io_queue"
require_relative "session/value"
require_relative "session/duration"
require_relative "session/log"
require_relative "session/store"
require_relative "session/container"
require_relative "session/transaction"
require_relative "session/report"
require_relative "session/session"
require_relative "session/package"
require_relative "session/railtie" if defined?(Rails::Railtie)

# Web sessions with transactions, savepoints and merging of concurrent changes, on memcached or in memory.
#
#   store = Lovely::Store.open("memcached://127.0.0.1")
#   visitors = store.container("visitors", timeout: 3600)
#   store.transaction do |tx|
#     cart = tx.session(visitors, id_from_the_cookie)["cart"]
#     cart["apples"] = 3
#     cart.increment("items", 3)
#   end
#
# What a session does is written in the contract of the library (docs/contract.md); this is its Ruby face, and adds
# idiom, but no behaviour of its own.
module Lovely
  # Runs a block in a transaction, commits at its end and aborts if it raises. It aborts also if the block is left by
  # break, return or throw, which cannot be told from a timeout: next is its end. A transaction may span any stores, so
  # {Store#transaction} is the same.
  #
  # The core merges with other writers by itself; what is left is a {Conflict} on the same key, and then only running the
  # work again in a new transaction helps. The block must be fit to run again: `retry_on_conflict:` says how often, at
  # most.
  #
  # Writing a value that another transaction wrote too is no conflict: two that read a number and set it one higher may
  # count once. {Package#increment} counts both; so does running again under the policy `:strict`.
  #
  # @param retry_on_conflict [Integer] how many times more to run the block after an error that is retryable
  # @param commit_timeout [Numeric, nil] seconds that the commit may take, instead of the store's own
  # @yieldparam transaction [Transaction]
  # @return what the block returns
  # @raise [Error] what {Transaction#commit} raises
  def self.transaction(retry_on_conflict: 0, commit_timeout: nil, &work)
    tries = 0
    begin
      Transaction.run(commit_timeout, &work)
    rescue Error => e
      raise unless e.retryable? && tries < retry_on_conflict

      tries += 1
      # Those who met once shall not meet again: the pause grows, and is drawn at random.
      sleep(rand * 0.002 * (2**[tries, 7].min))
      retry
    end
  end

  # @return [String] the version of the native library that was loaded
  def self.library_version
    Native.ls_version
  end
end
