using EveStorage.Cli.Api;

namespace EveStorage.Host.Plugins;

/// <summary>A plugin that was found or that the profile enables, and what became of it.</summary>
internal sealed record CatalogEntry
{
    /// <summary>Its id; its folder's name where the manifest can't be read.</summary>
    public required string Id { get; init; }

    /// <summary>Its folder; null when there is none.</summary>
    public string? Directory { get; init; }

    /// <summary>Its manifest; null when that could not be read.</summary>
    public PluginManifest? Manifest { get; init; }

    /// <summary>Whether the profile enables it.</summary>
    public bool Enabled { get; init; }

    /// <summary>What it registered; null when it was not loaded.</summary>
    public PartRegistry? Parts { get; init; }

    /// <summary>Why it can't be used; empty when it can, or is not enabled.</summary>
    public IReadOnlyList<string> Reasons { get; init; } = [];

    /// <summary>For a person and a program.</summary>
    internal PluginReport Report()
        => new(Id, Manifest?.Version.ToString(), Manifest?.Contract.ToString(), Directory, Enabled, Parts is not null && Reasons.Count == 0, Manifest?.Kinds ?? [], Reasons)
        {
            Sha256 = Manifest is null || Directory is null ? null : PluginFolder.HashOf(Directory),
        };
}
