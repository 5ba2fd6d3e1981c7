# frozen_string_literal: true

require_relative "lib/lovely/session/version"

Gem::Specification.new do |spec|
  spec.name = "lovely-session"
  spec.version = Lovely::VERSION
  spec.authors = ["The authors of lovely-session"]
  spec.summary = "Web sessions on memcached that never lose what two requests wrote"
  spec.description = "Sessions for Rack and Rails with transactions, savepoints and three-way merging of concurrent " \
                     "changes, on memcached or in memory. By FFI on the library liblovely_session."
  spec.licenses = %w[MIT Apache-2.0]
  spec.required_ruby_version = ">= 3.1"

  spec.files = Dir.chdir(__dir__) { Dir["lib/**/*.rb", "README.md", ".yardopts"] }
  spec.require_paths = ["lib"]
  spec.extra_rdoc_files = ["README.md"]
  spec.requirements = ["liblovely_session.so.0, version #{Lovely::VERSION}"]
  spec.metadata = { "rubygems_mfa_required" => "true" }

  spec.add_dependency "ffi", "~> 1.15"
  spec.add_dependency "msgpack", "~> 1.4"
end
