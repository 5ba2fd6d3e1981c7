# frozen_string_literal: true

module Lovely
  # A named family of sessions in a store, with a timeout. Containers are meant to be shared by threads.
  class Container
    # Numbers of the options that are times.
    TIMES = { timeout: 1, resolution: 2, max_timeout: 3, lifetime: 4 }.freeze
    # Numbers of the policies.
    POLICIES = { merge: 0, mine: 1, strict: 2, overwrite: 3 }.freeze
    POLICY = 5
    RECREATE = 6
    private_constant :TIMES, :POLICIES, :POLICY, :RECREATE

    # @return [Store] where it is
    attr_reader :store

    class << self
      private :new
    end

    # @api private
    def initialize(store, handle)
      @store = store
      @handle = handle
    end

    # @return [String]
    def name
      Native.get_text(:ls_container_name, @handle, &:text)
    end

    # @return [String]
    def inspect
      "#<#{self.class} #{name} of #{store.name}>"
    end

    # Sets options, for all who use the container in this process. Give it the same ones wherever it is used, the
    # longest timeout above all.
    #
    # @param times [Hash{Symbol => Numeric}] in seconds: `timeout`, after which an idle session is gone (0 is never);
    #   `max_timeout`, the longest timeout that a session may have of its own (the timeout if not set); `lifetime`, of a
    #   session from its creation (0 is none); `resolution`, the grain of the last access that is reported
    # @param on_conflict [Symbol] what to do about a key that two transactions changed differently: :merge, :mine,
    #   :strict or :overwrite
    # @param recreate [Boolean] whether a session that was evicted between load and commit is stored anew
    # @return [self]
    def configure(on_conflict: nil, recreate: nil, **times)
      times = times.to_h { |name, seconds| [TIMES.fetch(name) { unknown(name) }, Duration.ms(seconds, name)] }
      times = times.sort.reverse if raises?(*times.values_at(1, 3))
      times.each { |option, ms| set(option, ms) }
      set(POLICY, POLICIES.fetch(on_conflict) { unknown("policy #{on_conflict}") }) if on_conflict
      set(RECREATE, recreate ? 1 : 0) unless recreate.nil?
      self
    end

    # @!attribute [rw] timeout
    #   @return [Numeric] idle timeout in seconds
    # @!attribute [rw] max_timeout
    #   @return [Numeric] the longest timeout that a session may have of its own
    # @!attribute [rw] lifetime
    #   @return [Numeric] absolute lifetime in seconds; 0 is none
    # @!attribute [rw] resolution
    #   @return [Numeric] grain of the last access in seconds
    TIMES.each do |name, number|
      define_method(name) { Duration.seconds(get(number)) }
      define_method("#{name}=") { |seconds| set(number, Duration.ms(seconds, name)) }
    end

    # @return [Symbol] :merge, :mine, :strict or :overwrite
    def on_conflict
      POLICIES.key(get(POLICY))
    end

    # @return [Boolean]
    def recreate?
      get(RECREATE) == 1
    end

    # @return [Time] when a session of it was last opened in this process, by the store's clock
    def last_access
      Duration.time(Native.integer(:ls_container_last_access, @handle))
    end

    # What the C functions take.
    # @api private
    attr_reader :handle

    private

    def get(option)
      Native.integer(:ls_container_get, @handle, option)
    end

    def set(option, value)
      Native.run(:ls_container_set, @handle, option, value)
    end

    # The longest timeout is never below the timeout: whoever raises both sets it first, whoever lowers both sets it last.
    def raises?(timeout, longest)
      now = get(TIMES[:timeout])
      timeout&.positive? && longest && now.positive? && longest >= now
    end

    def unknown(what)
      raise InvalidArgument, "a container has no #{what}"
    end
  end
end
