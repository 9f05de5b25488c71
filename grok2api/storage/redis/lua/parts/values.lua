-- Values as they are stored and handed over: '' stands for None, 17 digits keep a double whole.

local function number(text)
  return text and tonumber(text) or nil
end

local function text(value)
  return value and string.format('%.17g', value) or ''
end

-- An argument that may be None: '' for None, '=' and the text otherwise.
local function optional(argument)
  return argument ~= '' and argument:sub(2) or nil
end
