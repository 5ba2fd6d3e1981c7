# frozen_string_literal: true

module Lovely
  # The version of the gem, which is that of the native library that it is made for.
  VERSION = "0.1.0"
end
