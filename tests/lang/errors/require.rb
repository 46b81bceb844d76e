require "json"
require_relative "other"
load "x.rb"
include Comparable
