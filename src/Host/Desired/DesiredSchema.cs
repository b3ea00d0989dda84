namespace EveStorage.Host.Desired;

/// <summary>The JSON Schema of a file, as it is published in <c>docs/</c>.</summary>
internal static class DesiredSchema
{
    /// <summary>It.</summary>
    internal static string Text
    {
        get
        {
            using StreamReader text = new(typeof(DesiredSchema).Assembly.GetManifestResourceStream("desired-state.schema.json")!);
            return text.ReadToEnd();
        }
    }
}
