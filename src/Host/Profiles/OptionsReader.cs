using System.ComponentModel;
using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace EveStorage.Host.Profiles;

/// <summary>
/// Reads an options class from its section. ConfigurationBinder stops at the first wrong key and names none of the allowed
/// ones, and it joins the lists of two files entry by entry; a person who mends a profile needs the opposite.
/// </summary>
internal static class OptionsReader
{
    /// <summary>Reads <paramref name="section"/>, and asks <paramref name="rules"/> too, whatever else is wrong: who mends it wants to know all.</summary>
    internal static TOptions Read<TOptions>(IConfigurationSection section, IValidateOptions<TOptions> rules, Problems problems)
        where TOptions : class, new()
    {
        TOptions options = new();
        ReadInto(section, options, problems);
        if (rules.Validate(section.Path, options) is { Failed: true } result)
        {
            foreach (string failure in result.Failures ?? [])
            {
                AddFailure(section.Path, failure, problems);
            }
        }

        return options;
    }

    /// <summary>Sets each property of <paramref name="options"/> that <paramref name="section"/> has a value for.</summary>
    internal static void ReadInto(IConfigurationSection section, object options, Problems problems, params IReadOnlyList<string> leaveOut)
    {
        RequireGroup(section, problems);
        PropertyInfo[] properties = [.. options.GetType().GetProperties().Where(property => property.CanWrite)];
        foreach (IConfigurationSection child in section.GetChildren())
        {
            PropertyInfo? property = Array.Find(properties, known => string.Equals(known.Name, child.Key, StringComparison.OrdinalIgnoreCase));
            if (property is null)
            {
                problems.Add(child.Path, $"is no option here; there are {Allowed(properties)}");
            }
            else if (!leaveOut.Contains(property.Name) && ReadValue(child, property.PropertyType, problems) is object value)
            {
                property.SetValue(options, value);
            }
        }
    }

    // A builder writes "Property Limit: why", and an attribute "Port: The field Name.Port why." or "Port: The Name.Port field is required."
    private static void AddFailure(string path, string failure, Problems problems)
    {
        Match found = Regex.Match(failure, @"^(?:Property )?(?<property>[A-Z]\w*): (?:The (?:field )?\S+ (?:field )?)?(?<why>.*?)\.?$", RegexOptions.Singleline);
        problems.Add(found.Success ? $"{path}:{found.Groups["property"].Value}" : path, found.Success ? found.Groups["why"].Value : failure);
    }

    private static string Allowed(PropertyInfo[] properties)
        => properties.Length == 0 ? "none" : string.Join(", ", properties.Select(property => property.Name).Order(StringComparer.Ordinal));

    private static object? ReadValue(IConfigurationSection section, Type type, Problems problems)
    {
        if (type.IsAssignableFrom(typeof(List<string>)) && type != typeof(object) && type != typeof(string))
        {
            return ReadList(section, problems);
        }

        if (section.Value is not string text)
        {
            problems.Add(section.Path, section.GetChildren().Any() ? "takes one value, not a group" : "takes a value, and has none");
            return null;
        }

        Type plain = Nullable.GetUnderlyingType(type) ?? type;
        try
        {
            return plain.IsEnum && !Enum.GetNames(plain).Contains(text, StringComparer.OrdinalIgnoreCase)
                ? throw new FormatException()
                : TypeDescriptor.GetConverter(plain).ConvertFromInvariantString(text);
        }
        catch (Exception e) when (e is ArgumentException or FormatException or NotSupportedException or OverflowException)
        {
            problems.Add(section.Path, $"'{text}' is none of its values: {ValuesOf(plain)}");
            return null;
        }
    }

    private static string ValuesOf(Type type)
        => type.IsEnum ? $"use one of {string.Join(", ", Enum.GetNames(type))}"
            : type == typeof(bool) ? "use true or false"
            : type == typeof(ByteSize) ? "write 512MiB, 10GiB or a number of bytes"
            : type == typeof(TimeSpan) ? "write HH:MM:SS, such as 00:00:30"
            : type == typeof(int) || type == typeof(long) || type == typeof(uint) ? "write a whole number"
            : $"write a {type.Name}";

    /// <summary>Notes a section that has one value where keys are due: it would be taken for empty.</summary>
    internal static void RequireGroup(IConfigurationSection section, Problems problems)
    {
        if (section.Value is { Length: > 0 } value)
        {
            problems.Add(section.Path, $"takes a group of keys, not '{value}'");
        }
    }

    private static List<string> ReadList(IConfigurationSection section, Problems problems)
    {
        if (section.Value is { Length: > 0 } single)
        {
            problems.Add(section.Path, $"takes a list: [ \"{single}\" ]");
        }

        List<string> values = [];
        foreach (IConfigurationSection entry in section.GetChildren())
        {
            if (entry.Value is string value && int.TryParse(entry.Key, out _))
            {
                values.Add(value);
            }
            else
            {
                problems.Add(entry.Path, "takes text: the list has nothing but values");
            }
        }

        return values;
    }
}
