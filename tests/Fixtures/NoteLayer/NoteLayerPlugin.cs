using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace EveStorage.Fixtures;

/// <summary>Where the layer keeps what is open.</summary>
public sealed class NoteOptions
{
    /// <summary>A directory.</summary>
    [Required]
    public string Directory { get; set; } = "";
}

[OptionsValidator]
internal sealed partial class NoteOptionsRules : IValidateOptions<NoteOptions>;

/// <summary>
/// A layer for tests of the host, on a kernel without device-mapper: a header within what lies below says which key opens it, and a file
/// beside that it is open. It encrypts nothing.
/// </summary>
public sealed class NoteLayerPlugin : IStoragePlugin
{
    /// <inheritdoc/>
    public void Register(IPluginRegistrar registrar) => registrar.AddLayer("note", new NoteOptionsRules(), static (options, services) => new NoteLayer(options.Directory, services.Keys));
}
