namespace EveStorage.FileSystems;

/// <summary>How file systems of a kind are mounted. That neither programs run as their owner nor device nodes work is no option.</summary>
public class FileSystemOptions
{
    /// <summary>Whether no program on them can be run.</summary>
    public bool NoPrograms { get; set; }
}
