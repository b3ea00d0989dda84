using System.Text.Json.Nodes;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>The product's plugins as they are on a machine that lacks nothing of what they need.</summary>
internal static class PluginsWithoutNeeds
{
    /// <summary>Copies those that are not there yet.</summary>
    /// <returns>The directory, for a profile.</returns>
    internal static string In(string directory, IEnumerable<string> ids)
    {
        foreach (string id in ids.Where(id => !Directory.Exists(Path.Combine(directory, id))))
        {
            string place = Path.Combine(directory, id);
            BuiltHost.CopyPlugin(Path.Combine(BuiltHost.Plugins, id), place);
            string manifest = Path.Combine(place, "plugin.json");
            JsonNode document = JsonNode.Parse(File.ReadAllText(manifest))!;
            document["needs"] = new JsonArray();
            File.WriteAllText(manifest, document.ToJsonString());
        }

        return directory;
    }
}
