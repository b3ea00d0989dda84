using Microsoft.Extensions.Configuration;

namespace EveStorage.Host.Profiles;

/// <summary>
/// Compression as one line of a profile: the option of that name, in every pool that does not say itself. A backend that has no such
/// option compresses nothing, and says so as of any option that it does not have.
/// </summary>
internal static class CompressionOption
{
    private const string Option = "Options:Compression";

    /// <summary>Sets it.</summary>
    internal static void Set(IConfigurationRoot root)
    {
        if (root[nameof(StrategyOptions.Compression)] is not string value || value == new StrategyOptions().Compression)
        {
            return;
        }

        foreach (IConfigurationSection pool in root.GetSection("Pools").GetChildren().Where(pool => pool[Option] is null))
        {
            pool[Option] = value;
        }
    }
}
