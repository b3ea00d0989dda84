using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace EveStorage.Host.Composition;

/// <summary>The host's own types, for a scan. Asking the assembly for all of its types loads each of them, which takes longer than what a short command does.</summary>
internal static class OwnTypes
{
    /// <summary>Those that stand in one of <paramref name="spaces"/>.</summary>
    internal static IEnumerable<Type> In(params string[] spaces)
    {
        Assembly own = typeof(OwnTypes).Assembly;
        using PEReader image = new(File.OpenRead(own.Location));
        MetadataReader metadata = image.GetMetadataReader();
        List<Type> types = [];
        foreach (TypeDefinitionHandle handle in metadata.TypeDefinitions)
        {
            TypeDefinition type = metadata.GetTypeDefinition(handle);
            if (Array.Find(spaces, space => metadata.StringComparer.Equals(type.Namespace, space)) is string space)
            {
                types.Add(own.GetType($"{space}.{metadata.GetString(type.Name)}", throwOnError: true)!);
            }
        }

        return types;
    }
}
