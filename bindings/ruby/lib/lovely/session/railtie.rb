# frozen_string_literal: true

module Lovely
  # Lets Rails find the store: `config.session_store :lovely_store`.
  class Railtie < ::Rails::Railtie
    require "action_dispatch"
    ActionDispatch::Session.autoload :LovelyStore, "action_dispatch/middleware/session/lovely_store"
  end
end
