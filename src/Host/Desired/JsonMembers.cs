using System.Text.Json;
using EveStorage.Host.Profiles;

namespace EveStorage.Host.Desired;

/// <summary>
/// An object of a file that a person wrote. Each member is asked for by its name; one that nobody asked for, or of another kind than
/// it takes, is a problem that is told with where it stands, and the others are read all the same.
/// </summary>
internal sealed class JsonMembers
{
    private readonly string _path;
    private readonly Problems _problems;
    private readonly Dictionary<string, JsonElement> _members = [];
    private readonly List<string> _known = [];

    /// <summary>Reads <paramref name="element"/>, which stands at <paramref name="path"/>.</summary>
    internal JsonMembers(JsonElement element, string path, Problems problems)
    {
        (_path, _problems) = (path, problems);
        if (element.ValueKind != JsonValueKind.Object)
        {
            problems.Add(path.Length == 0 ? "file" : path, "takes an object: { … }");
            return;
        }

        foreach (JsonProperty member in element.EnumerateObject())
        {
            _members[member.Name] = member.Value;
        }
    }

    /// <summary>Where a member stands.</summary>
    internal string PathOf(string name) => _path.Length == 0 ? name : $"{_path}:{name}";

    /// <summary>Tells what is wrong with a member.</summary>
    internal void Tell(string name, string problem) => _problems.Add(PathOf(name), problem);

    /// <summary>Whether a member is there.</summary>
    internal bool Has(string name) => _members.ContainsKey(name);

    /// <summary>Whether a member is there and is null, by which a person says that it is to be as of something new.</summary>
    internal bool IsNull(string name) => Asked(name) is { ValueKind: JsonValueKind.Null };

    /// <summary>A text; null when it is not there.</summary>
    internal string? Text(string name)
        => Find(name, JsonValueKind.String, "takes text") is not JsonElement value ? null
            : value.GetString() is { Length: > 0 } text ? text
            : Told<string>(name, "takes text, and has none");

    /// <summary>Yes or no; null when it is not there.</summary>
    internal bool? Flag(string name)
        => Asked(name) is not JsonElement value ? null
            : value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean()
            : Told(name, "takes true or false");

    /// <summary>A whole number from 1 to <paramref name="most"/>; null when it is not there.</summary>
    internal long? Number(string name, long most)
    {
        if (Find(name, JsonValueKind.Number, "takes a number") is not JsonElement value)
        {
            return null;
        }

        if (value.TryGetInt64(out long number) && number >= 1 && number <= most)
        {
            return number;
        }

        Tell(name, $"takes a whole number from 1 to {most}");
        return null;
    }

    /// <summary>A size; null when it is not there.</summary>
    internal ByteSize? Size(string name)
    {
        if (Asked(name) is not JsonElement value)
        {
            return null;
        }

        string text = value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
        if (value.ValueKind is JsonValueKind.String or JsonValueKind.Number && ByteSize.TryParse(text, null, out ByteSize size) && size.Bytes > 0)
        {
            return size;
        }

        Tell(name, $"{text} is no size: write \"512MiB\", \"10GiB\" or a number of bytes");
        return null;
    }

    /// <summary>An object; null when it is not there.</summary>
    internal JsonMembers? Object(string name) => Asked(name) is JsonElement value ? new(value, PathOf(name), _problems) : null;

    /// <summary>The objects in it, where the names are a person's own.</summary>
    internal IEnumerable<(string Name, JsonMembers Value)> Members => _members.Keys.Select(name => (name, Object(name)!));

    /// <summary>An object whose members' names are a person's own; empty when it is not there.</summary>
    internal IEnumerable<(string Name, JsonMembers Value)> Group(string name) => Object(name)?.Members ?? [];

    /// <summary>Tells of the members that nobody asked for.</summary>
    internal void End()
    {
        foreach (string unknown in _members.Keys.Except(_known))
        {
            Tell(unknown, $"is not known here; there are {string.Join(", ", _known.Distinct())}");
        }
    }

    private JsonElement? Asked(string name)
    {
        _known.Add(name);
        return _members.TryGetValue(name, out JsonElement value) ? value : null;
    }

    private JsonElement? Find(string name, JsonValueKind kind, string takes)
    {
        if (Asked(name) is not JsonElement value || value.ValueKind == kind)
        {
            return Asked(name);
        }

        Tell(name, takes);
        return null;
    }

    private T? Told<T>(string name, string problem)
        where T : class
    {
        Tell(name, problem);
        return null;
    }

    private bool? Told(string name, string problem)
    {
        Tell(name, problem);
        return null;
    }
}
